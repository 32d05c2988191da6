// SPDX-License-Identifier: MIT
// Reads the clock that videocallclockoverlay draws, as
// docs/elements/videocallclockoverlay.md describes it. Needs nothing but
// JavaScript, so that a page can load it too.
const MARKER = 0xb52c;
const COLUMNS = 32;
const ROWS = 18;
const BITS = 128;

function brightness(picture, bit) {
  const { width, height, data } = picture;
  const column = bit % COLUMNS;
  const row = Math.floor(bit / COLUMNS);
  const x0 = Math.floor((column * width) / COLUMNS);
  const x1 = Math.floor(((column + 1) * width) / COLUMNS);
  const y0 = Math.floor((row * height) / ROWS);
  const y1 = Math.floor(((row + 1) * height) / ROWS);
  const dx = (x1 - x0) >> 2;
  const dy = (y1 - y0) >> 2;
  let sum = 0;
  let count = 0;
  for (let y = y0 + dy; y < y1 - dy; y++) {
    for (let x = x0 + dx; x < x1 - dx; x++) {
      const i = 4 * (y * width + x);
      sum += (data[i] + 2 * data[i + 1] + data[i + 2]) / 4;
      count++;
    }
  }
  return sum / count;
}

// CRC-16/CCITT-FALSE.
function crc16(bytes) {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; i++)
      crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

// {frame, timeUs} of an RGBA picture {width, height, data}; null without one.
export function readClock(picture) {
  const levels = [];
  for (let bit = 0; bit < BITS; bit++) levels.push(brightness(picture, bit));
  const sums = [0, 0];
  const counts = [0, 0];
  for (let i = 0; i < 16; i++) {
    const one = (MARKER >> (15 - i)) & 1;
    sums[one] += levels[i];
    counts[one]++;
  }
  const black = sums[0] / counts[0];
  const white = sums[1] / counts[1];
  if (!(white >= black + 48)) return null;
  const bytes = new Uint8Array(BITS / 8);
  levels.forEach((level, bit) => {
    if (level > (black + white) / 2) bytes[bit >> 3] |= 0x80 >> (bit & 7);
  });
  const view = new DataView(bytes.buffer);
  if (view.getUint16(0) !== MARKER) return null;
  if (view.getUint16(14) !== crc16(bytes.subarray(0, 14))) return null;
  return { frame: view.getUint32(2), timeUs: view.getBigUint64(6) };
}
