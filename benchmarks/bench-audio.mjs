#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Sound alone: frames forwarded per second of one core, when every viewer hears
// eight speakers of 50 packets a second.
//
//   ./dev bench audio [--quick] [--rounds N] [--seconds N] [--json FILE]
import { load, median, printTable, readOptions, withServer, writeJson } from './support.mjs';

const options = readOptions('audio', { rounds: 6, seconds: 10 }, { rounds: 1, seconds: 4 });

async function audio(viewers) {
  const rounds = [];
  for (let i = 0; i < options.rounds; i++) {
    rounds.push(await withServer(options, (daemon) => load(daemon, [
      '--publishers', 8, '--viewers', viewers, '--video', 'none', '--audio',
      '--audio-bytes', 160, '--duration', options.seconds,
    ], options)));
  }
  const pick = (f) => median(rounds.map(f));
  return {
    viewers,
    frames_per_second: pick((r) => r.total.audio.packets_received / r.seconds),
    cpu_percent: pick((r) => 100 * r.server.cpu_s / r.seconds),
    frames_per_core_second: pick((r) => r.total.audio.packets_received / r.server.cpu_s),
    delay_p50_ms: pick((r) => r.total.audio.latency_ms.p50),
    delay_p99_ms: pick((r) => r.total.audio.latency_ms.p99),
    received: pick((r) => 1 - r.total.audio.loss_percent / 100),
    rounds,
  };
}

const results = { audio: [] };
for (const viewers of options.quick ? [50, 200] : [50, 200, 600]) results.audio.push(await audio(viewers));

printTable([
  ['viewers', (row) => row.viewers],
  ['frames/s', (row) => row.frames_per_second.toFixed(0)],
  ['server CPU %', (row) => row.cpu_percent.toFixed(0)],
  ['frames/s and core', (row) => row.frames_per_core_second.toFixed(0)],
  ['p50 ms', (row) => row.delay_p50_ms.toFixed(2)],
  ['p99 ms', (row) => row.delay_p99_ms.toFixed(2)],
  ['received %', (row) => (100 * row.received).toFixed(2)],
], results.audio);
writeJson(options, results);
