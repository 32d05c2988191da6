// SPDX-License-Identifier: MIT
// People who do not exist, drawn frame by frame for the cameras of make.mjs.
// Runs in a page; portrait(index, phase) draws `phase` 0…1 of an endless loop.
'use strict';

const WIDTH = 640;
const HEIGHT = 360;

const PEOPLE = [
  { skin: '#e8b896', hair: '#3b2a20', shirt: '#2f6f8f', wall: ['#e9dfd0', '#cdbfa9'], style: 'long', room: 'window' },
  { skin: '#8d5a3b', hair: '#17120f', shirt: '#d9a441', wall: ['#c9d6d3', '#9fb3b0'], style: 'short', room: 'shelf' },
  { skin: '#f0cdb0', hair: '#b5652c', shirt: '#5b4a8a', wall: ['#dfe3ea', '#b4bdcc'], style: 'beard', room: 'plant' },
  { skin: '#c98f6b', hair: '#4a4a52', shirt: '#7a9a5b', wall: ['#ead9d5', '#c9aca6'], style: 'bun', room: 'lamp' },
];

function shape(c, colour, draw) {
  c.fillStyle = colour;
  c.beginPath();
  draw(c);
  c.fill();
}

const ellipse = (c, colour, x, y, rx, ry, turn = 0) =>
  shape(c, colour, () => c.ellipse(x, y, rx, ry, turn, 0, 2 * Math.PI));

function wall(c, [light, dark]) {
  const gradient = c.createLinearGradient(0, 0, WIDTH, HEIGHT);
  gradient.addColorStop(0, light);
  gradient.addColorStop(1, dark);
  c.fillStyle = gradient;
  c.fillRect(0, 0, WIDTH, HEIGHT);
}

const ROOMS = {
  window(c, sway) {
    c.fillStyle = '#f7f3ea';
    c.fillRect(420, 30, 160, 200);
    c.fillStyle = '#a9cbe3';
    c.fillRect(430, 40, 140, 180);
    ellipse(c, '#7fa66b', 460 + 4 * sway, 222, 60, 46);
    ellipse(c, '#6b945a', 540 - 4 * sway, 226, 56, 60);
    c.fillStyle = '#d8cbb5';
    c.fillRect(420, 222, 160, 14);
    c.fillStyle = '#f7f3ea';
    c.fillRect(496, 36, 8, 186);
  },
  shelf(c) {
    const books = ['#8a4b3c', '#3f6b73', '#c9b37e', '#59496e', '#9c7a4d', '#47614a'];
    for (let row = 0; row < 2; row++) {
      const y = 110 + row * 104;
      c.fillStyle = '#7b8f8b';
      c.fillRect(20, y, 190, 8);
      for (let i = 0; i < 9; i++) {
        const height = 46 + ((i * 37 + row * 17) % 26);
        c.fillStyle = books[(i * 5 + row) % books.length];
        c.fillRect(30 + i * 19, y - height, 14, height);
      }
    }
  },
  plant(c, sway) {
    c.fillStyle = '#b9714f';
    c.fillRect(500, 240, 76, 80);
    for (let i = -4; i <= 4; i++) {
      const turn = i * 0.3 + 0.03 * sway;
      ellipse(c, i % 2 ? '#5d8a5e' : '#4c7650',
        538 + Math.sin(turn) * 70, 240 - Math.cos(turn) * 76, 14, 66, turn);
    }
  },
  lamp(c) {
    const glow = c.createRadialGradient(110, 90, 10, 110, 90, 190);
    glow.addColorStop(0, '#fff3d6');
    glow.addColorStop(1, '#fff3d600');
    c.fillStyle = glow;
    c.fillRect(0, 0, 330, 330);
    c.fillStyle = '#8c6f68';
    c.fillRect(106, 120, 8, 240);
    shape(c, '#fbe6b8', () => {
      c.moveTo(80, 60); c.lineTo(140, 60); c.lineTo(162, 124); c.lineTo(58, 124);
    });
  },
};

function hairBehind(c, style, hair, x, y) {
  if (style === 'long') {
    ellipse(c, hair, x, y + 20, 86, 104);
    shape(c, hair, () => c.roundRect(x - 84, y, 168, 150, 40));
  }
  if (style === 'bun') ellipse(c, hair, x, y - 92, 34, 30);
}

function hairInFront(c, style, hair, x, y) {
  shape(c, hair, () => {
    c.ellipse(x, y - 22, 74, 70, 0, Math.PI * 0.98, Math.PI * 2.02);
    c.bezierCurveTo(x + 60, y - 50, x + 10, y - 46, x - 20, y - 54);
    c.bezierCurveTo(x - 50, y - 46, x - 66, y - 34, x - 74, y - 18);
  });
  if (style !== 'beard') return;
  shape(c, hair, () => {
    c.moveTo(x - 69, y + 10);
    c.bezierCurveTo(x - 64, y + 110, x + 64, y + 110, x + 69, y + 10);
    c.bezierCurveTo(x + 50, y + 44, x + 30, y + 34, x, y + 34);
    c.bezierCurveTo(x - 30, y + 34, x - 50, y + 44, x - 69, y + 10);
  });
}

function face(c, { skin, style, hair }, x, y, blink, talk) {
  ellipse(c, skin, x - 70, y + 6, 12, 18);
  ellipse(c, skin, x + 70, y + 6, 12, 18);
  ellipse(c, skin, x, y, 70, 86);
  hairInFront(c, style, hair, x, y);
  for (const side of [-1, 1]) {
    if (blink) {
      ellipse(c, '#fdfbf8', x + side * 27, y - 2, 11, 8);
      ellipse(c, '#2b2523', x + side * 27, y - 2, 5.5, 6);
    } else ellipse(c, '#00000040', x + side * 27, y, 11, 1.5);
    c.strokeStyle = hair;
    c.lineWidth = 5;
    c.lineCap = 'round';
    c.beginPath();
    c.arc(x + side * 27, y - 6, 17, Math.PI * 1.25, Math.PI * 1.75);
    c.stroke();
  }
  ellipse(c, '#00000018', x, y + 22, 9, 6);
  ellipse(c, '#8f3f3f', x, y + 50, 22, 4 + 7 * talk);
  ellipse(c, '#fbf4ee', x, y + 46 - talk, 17, 2 + talk);
}

function portrait(index, phase) {
  const person = PEOPLE[index % PEOPLE.length];
  const c = document.getElementById('frame').getContext('2d');
  const turn = 2 * Math.PI * phase;
  const sway = Math.sin(turn + index);
  wall(c, person.wall);
  ROOMS[person.room](c, sway);
  const x = 320 + 10 * sway;
  const y = 168 + 4 * Math.sin(2 * turn + index);
  hairBehind(c, person.style, person.hair, x, y);
  shape(c, person.shirt, () => {
    c.moveTo(120, 372);
    c.bezierCurveTo(132, 286, 220, 276, 280, 262);
    c.lineTo(360, 262);
    c.bezierCurveTo(420, 276, 508, 286, 520, 372);
  });
  shape(c, person.skin, () => c.roundRect(x - 30, y + 50, 60, 66, 28));
  ellipse(c, '#00000022', x, y + 84, 32, 12);
  const blink = (phase * 2 + index * 0.3) % 1 >= 0.03;
  face(c, person, x, y, blink, Math.abs(Math.sin(9 * turn + index)));
}

// JPEG frames of one loop, in Base64.
function film(index, frames) {
  const canvas = document.getElementById('frame');
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  return Array.from({ length: frames }, (_, i) => {
    portrait(index, i / frames);
    return canvas.toDataURL('image/jpeg', 0.9).split(',')[1];
  });
}
