#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// How the server's CPU and memory grow with viewers, rooms and publishers.
//
//   ./dev bench growth [--quick] [--rounds N] [--seconds N] [--json FILE]
//                      [--svg FILE]
import { writeFileSync } from 'node:fs';

import { drawPlot } from './plot.mjs';
import { load, median, printTable, readOptions, withServer, writeJson } from './support.mjs';

const options = readOptions('growth', { rounds: 3, seconds: 10, svg: '' }, { rounds: 1, seconds: 3 });

// Each grows in one direction: rooms × publishers × viewers, each publisher
// sending so many kbit/s.
const series = [
  { title: 'viewers of one publisher', x: 'viewers', kbps: 500,
    sizes: [10, 30, 100, 300, 1000], at: (n) => [1, 1, n] },
  { title: 'rooms of 1 × 2', x: 'rooms', kbps: 300,
    sizes: [1, 5, 20, 100, 500], at: (n) => [n, 1, 2] },
  { title: 'publishers, 50 viewers', x: 'publishers', kbps: 300,
    sizes: [1, 2, 4, 8], at: (n) => [1, n, 50] },
];

async function point({ kbps, at }, size) {
  const [rooms, publishers, viewers] = at(size);
  const rounds = [];
  for (let i = 0; i < options.rounds; i++) {
    rounds.push(await withServer(options, (daemon) => load(daemon, [
      '--rooms', rooms, '--publishers', publishers, '--viewers', viewers,
      '--video', 'mix', '--video-kbps', kbps,
      '--ramp', Math.ceil((rooms * viewers) / 200), '--duration', options.seconds,
    ], options)));
  }
  const pick = (f) => median(rounds.map(f));
  return {
    size, rooms, publishers, viewers,
    cpu_percent: pick((r) => (100 * r.server.cpu_s) / r.seconds),
    resident_mb: pick((r) => r.server.max_resident_kb / 1000),
    mbit_per_second: pick((r) => (8000 * r.total.delivered_gb) / r.seconds),
    received_percent: pick((r) => 100 - r.total.loss_percent),
    delay_p99_ms: pick((r) => r.total.latency_ms.p99),
    rounds,
  };
}

const results = { growth: [] };
for (const one of series) {
  const sizes = options.quick ? one.sizes.filter((size) => size <= 100) : one.sizes;
  const points = [];
  for (const size of sizes) points.push(await point(one, size));
  results.growth.push({ title: one.title, x: one.x, points });
}

printTable([
  ['what', (row) => row.title],
  ['', (row) => row.size],
  ['Mbit/s', (row) => row.mbit_per_second.toFixed(0)],
  ['CPU %', (row) => row.cpu_percent.toFixed(1)],
  ['MB', (row) => row.resident_mb.toFixed(0)],
  ['p99 ms', (row) => row.delay_p99_ms.toFixed(1)],
  ['received %', (row) => row.received_percent.toFixed(2)],
], results.growth.flatMap(({ title, points }) => points.map((p) => ({ title, ...p }))));
writeJson(options, results);
if (options.svg) {
  const row = (y, f) => results.growth.map(({ title, x, points }) =>
    ({ title, x, y, points: points.map((p) => [p.size, f(p)]) }));
  writeFileSync(options.svg, drawPlot([
    row('CPU, % of a core', (p) => Math.max(p.cpu_percent, 0.1)),
    row('memory, MB', (p) => p.resident_mb),
  ]));
}
