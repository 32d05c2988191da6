#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The delay that the relay adds at half load: rooms of one publisher and eight
// viewers at the 500 kbit/s mix, one core.
//
//   ./dev bench latency [--quick] [--rounds N] [--seconds N] [--json FILE]
import { load, loads, median, printTable, readOptions, withServer, writeJson } from './support.mjs';

const options = readOptions('latency', { rounds: 6, seconds: 10 }, { rounds: 1, seconds: 4 });

async function latency(rooms) {
  const rounds = [];
  for (let i = 0; i < options.rounds; i++) {
    rounds.push(await withServer(options, (daemon) => load(daemon, [
      ...loads['mix 500 kbit/s'].load, '--rooms', rooms, '--viewers', 8,
      '--duration', options.seconds,
    ], options)));
  }
  const pick = (f) => median(rounds.map(f));
  return {
    rooms,
    cpu_percent: pick((r) => 100 * r.server.cpu_s / r.seconds),
    delay_p50_ms: pick((r) => r.total.latency_ms.p50),
    delay_p99_ms: pick((r) => r.total.latency_ms.p99),
    received: pick((r) => 1 - r.total.loss_percent / 100),
    rounds,
  };
}

const results = { latency: [] };
for (const rooms of [1, 20, 60]) results.latency.push(await latency(rooms));

printTable([
  ['rooms of 1 x 8', (row) => row.rooms],
  ['server CPU %', (row) => row.cpu_percent.toFixed(0)],
  ['p50 ms', (row) => row.delay_p50_ms.toFixed(3)],
  ['p99 ms', (row) => row.delay_p99_ms.toFixed(3)],
  ['received %', (row) => (100 * row.received).toFixed(2)],
], results.latency);
writeJson(options, results);
