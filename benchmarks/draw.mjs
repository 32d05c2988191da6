#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Draws what the benchmarks measured beside what was aimed at, from the files
// that --json wrote: FOLDER/fanout.json, FOLDER/latency.json, …
//
//   node benchmarks/draw.mjs FOLDER FILE.svg
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { drawPlot } from './plot.mjs';

const [folder, file] = process.argv.slice(2);
if (!folder || !file) {
  console.error('Usage: node benchmarks/draw.mjs FOLDER FILE.svg');
  process.exit(2);
}

const size = ({ rooms, viewers }) => `${rooms} × ${viewers}`;
const rooms = (row) => (row.rooms === 1 ? '1 room' : `${row.rooms} rooms`);
const isMix = (row) => row.load.startsWith('mix');
const bars = (rows, label, value) => rows.map((row) => [label(row), value(row)]);
const controls = ({ link, loss_percent, congestion_control }) =>
  `${link} ${loss_percent} %, ${congestion_control}`;

// Per file of the folder: what is drawn of it.
const panels = {
  fanout: ({ fanout, idle }) => [
    { title: 'CPU per GB, mix', unit: '× floor', aim: 2.6,
      bars: bars(fanout.filter(isMix), size, (row) => row.floor_ratio) },
    { title: 'CPU per GB, 1.5 Mbit/s', unit: '× floor', aim: 2,
      bars: bars(fanout.filter((row) => !isMix(row)), size, (row) => row.floor_ratio) },
    { title: 'Memory', unit: 'kB', aim: 110,
      bars: [['idle session', idle.server.kb_per_session]] },
  ],
  latency: ({ latency }) => [
    { title: 'Delay, rooms of 1 × 8', unit: 'ms, p50', aim: 0.15,
      bars: bars(latency, rooms, (row) => row.delay_p50_ms) },
    { title: 'Delay, rooms of 1 × 8', unit: 'ms, p99', aim: 1,
      bars: bars(latency, rooms, (row) => row.delay_p99_ms) },
  ],
  join: ({ join: rows }) => [
    { title: 'Session up to key frame', unit: 'ms, p95', aim: 50,
      bars: bars(rows, (row) => `${row.viewers} within ${row.ramp_s} s`,
        (row) => row.first_key_frame_p95_ms) },
  ],
  audio: ({ audio }) => [
    { title: 'Frames of sound', unit: '1000/s and core', aim: 300,
      bars: bars(audio, (row) => `${row.viewers} viewers`,
        (row) => row.frames_per_core_second / 1000) },
  ],
  room: ({ room }) => [
    { title: 'Large rooms, server CPU', unit: '% of a core',
      bars: bars(room, (row) => `5 × ${row.viewers}`, (row) => row.server_cpu_percent) },
    { title: 'Large rooms, delay', unit: 'ms, p99', aim: 100,
      bars: bars(room, (row) => `5 × ${row.viewers}`, (row) => row.delay_p99_ms) },
  ],
  impaired: ({ impaired }) => [
    { title: 'Video in time', unit: '%', aim: 99,
      bars: bars(impaired.filter((row) => row.loss_percent === 5), controls,
        (row) => row.video_in_time_percent) },
    { title: 'Sound missing', unit: '% of frames', aim: 1,
      bars: bars(impaired.filter((row) => row.loss_percent === 20), controls,
        (row) => row.audio_frames_missing_percent) },
  ],
  nodes: ({ nodes }) => [
    { title: 'Capacity of several servers', unit: '× linear', aim: 0.9,
      bars: bars(nodes.filter((row) => row.viewers === 200),
        (row) => `${row.servers} × ${row.viewers}`, (row) => row.linear) },
    { title: 'Against one with as many each', unit: '× linear', aim: 0.9,
      bars: bars(nodes.filter((row) => row.servers > 1),
        (row) => `${row.servers} × ${row.viewers}`, (row) => row.linear_as_many) },
  ],
  page: ({ page }) => [
    { title: 'Click to first picture', unit: 'ms, p50', aim: 500,
      bars: bars(page, (row) => row.browser, (row) => row.p50_ms.total) },
  ],
  'page-blocked': ({ page }) => [
    { title: 'The same, UDP blocked', unit: 'ms, p50', aim: 1500,
      bars: bars(page, (row) => row.browser, (row) => row.p50_ms.total) },
  ],
  slow: ({ ratio }) => [
    { title: 'Others beside a slow viewer', unit: '× p99', aim: 1.05,
      bars: [['1 of 100 is slow', ratio]] },
  ],
  websocket: ({ websocket }) => [
    { title: 'CPU over WebSocket', unit: '× WebTransport', aim: 1.5,
      bars: bars(websocket.filter((row) => row.transport !== 'WebTransport'),
        (row) => `${isMix(row) ? 'mix' : row.load}${/TLS/.test(row.transport) ? ', TLS' : ''}`,
        (row) => row.ratio) },
  ],
  glass: ({ glass }) => [
    { title: 'Glass to glass, p50', unit: 'ms', aim: 60, bars: [['720p30', glass.p50_ms]] },
    { title: 'Glass to glass, p95', unit: 'ms', aim: 100, bars: [['720p30', glass.p95_ms]] },
  ],
};

const all = Object.entries(panels).flatMap(([name, draw]) => {
  const path = join(folder, `${name}.json`);
  return existsSync(path) ? draw(JSON.parse(readFileSync(path, 'utf8'))) : [];
});
if (all.length === 0) {
  console.error(`draw: ${folder} has no ${Object.keys(panels).join('.json, ')}.json`);
  process.exit(1);
}
const rows = [];
for (let i = 0; i < all.length; i += 3) rows.push(all.slice(i, i + 3));
writeFileSync(file, drawPlot(rows));
