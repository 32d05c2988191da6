#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Large rooms for a long time: five publishers and 300 viewers who get all of
// them, then 400, then 1000 who see one at 500 kbit/s and four at the lowest
// layer.
//
//   ./dev bench room [--quick] [--rounds N] [--seconds N] [--json FILE]
import { load, median, printTable, readOptions, withServer, writeJson } from './support.mjs';

const options = readOptions('room', { rounds: 1, seconds: 120 }, { rounds: 1, seconds: 5 });

const all = ['--video', 'constant', '--video-kbps', 300];
const plan = [
  { name: 'all get all', viewers: options.quick ? 60 : 300, args: all },
  ...(options.quick ? [] : [{ name: 'all get all', viewers: 400, args: all }]),
  { name: 'layers chosen', viewers: options.quick ? 200 : 1000,
    args: ['--layers', 2, '--layer-kbps', '100,500', '--tiles', '720,180,180,180,180'] },
];

async function room({ name, viewers, args }) {
  const rounds = [];
  for (let i = 0; i < options.rounds; i++) {
    rounds.push(await withServer(options, (daemon) => load(daemon, [
      '--publishers', 5, '--viewers', viewers, '--audio', ...args,
      '--ramp', Math.ceil(viewers / 100), '--duration', options.seconds,
    ], options)));
  }
  const pick = (f) => median(rounds.map(f));
  return {
    name,
    viewers,
    seconds: options.seconds,
    mbit_per_second: pick((r) => (8000 * r.total.delivered_gb) / r.seconds),
    received_percent: pick((r) => 100 - r.total.loss_percent),
    delay_p50_ms: pick((r) => r.total.latency_ms.p50),
    delay_p99_ms: pick((r) => r.total.latency_ms.p99),
    server_cpu_percent: pick((r) => (100 * r.server.cpu_s) / r.seconds),
    kb_per_session: pick((r) => r.server.kb_per_session),
    load_cpu_percent: pick((r) => r.load.busiest_process_percent),
    sessions_lost: pick((r) => r.failed_sessions + r.lost_sessions),
    rounds,
  };
}

const results = { room: [] };
for (const row of plan) results.room.push(await room(row));

printTable([
  ['5 publishers', (row) => row.name],
  ['viewers', (row) => row.viewers],
  ['Mbit/s', (row) => row.mbit_per_second.toFixed(0)],
  ['received %', (row) => row.received_percent.toFixed(3)],
  ['p50 ms', (row) => row.delay_p50_ms.toFixed(1)],
  ['p99 ms', (row) => row.delay_p99_ms.toFixed(1)],
  ['server CPU %', (row) => row.server_cpu_percent.toFixed(0)],
  ['kB a session', (row) => (row.kb_per_session ?? NaN).toFixed(0)],
  ['load CPU %', (row) => row.load_cpu_percent.toFixed(0)],
  ['lost', (row) => row.sessions_lost],
], results.room);
writeJson(options, results);
