#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// What a viewer costs over a WebSocket: server CPU per delivered GB for one
// publisher and 200 viewers, plain and over TLS, against WebTransport of the
// same round. The server runs on core 0, the load on core 1.
//
//   ./dev bench websocket [--quick] [--rounds N] [--seconds N] [--json FILE]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { load, loads, median, printTable, readOptions, withServer, writeJson } from './support.mjs';

const options = readOptions('websocket', { rounds: 6, seconds: 10 }, { rounds: 1, seconds: 4 });
const viewers = 200;

const folder = mkdtempSync(join(tmpdir(), 'videocall-bench-'));
const [certificate, key] = ['server.crt', 'server.key'].map((name) => join(folder, name));
execFileSync('openssl', [
  ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
  ...['-days', '1', '-subj', '/CN=localhost', '-keyout', key, '-out', certificate],
], { stdio: 'ignore' });

const ways = [
  { name: 'WebTransport', load: ['--transport', 'webtransport'], server: [] },
  { name: 'WebSocket', load: ['--transport', 'websocket'], server: [] },
  {
    name: 'WebSocket over TLS',
    load: ['--transport', 'websocket', '--insecure-skip-verify'],
    server: ['--tls-certificate', certificate, '--tls-key', key],
  },
];

const measure = (name, way) => withServer(options, (daemon) => load(daemon, [
  ...loads[name].load, ...way.load, '--viewers', viewers, '--duration', options.seconds,
], options), way.server);

// Round by round, so that what else the machine does meets all alike.
async function compare(name) {
  const rounds = [];
  for (let i = 0; i < options.rounds; i++) {
    const round = [];
    for (const way of ways) round.push(await measure(name, way));
    rounds.push(round);
  }
  return ways.map((way, i) => {
    const pick = (f) => median(rounds.map((round) => f(round[i], round[0])));
    return {
      load: name,
      transport: way.name,
      viewers,
      core_s_per_gb: pick((r) => r.server.core_s_per_gb),
      ratio: pick((r, base) => r.server.core_s_per_gb / base.server.core_s_per_gb),
      delay_p50_ms: pick((r) => r.total.latency_ms.p50),
      delay_p99_ms: pick((r) => r.total.latency_ms.p99),
      received: pick((r) => 1 - r.total.loss_percent / 100),
      kb_per_session: pick((r) => r.server.kb_per_session),
      load_percent: pick((r) => r.load.busiest_process_percent),
      rounds: rounds.map((round) => round[i]),
    };
  });
}

const results = { websocket: [] };
try {
  for (const name of Object.keys(loads)) results.websocket.push(...await compare(name));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

printTable([
  ['load', (row) => row.load],
  ['over', (row) => row.transport],
  ['core-s/GB', (row) => row.core_s_per_gb.toFixed(2)],
  ['ratio', (row) => row.ratio.toFixed(2)],
  ['p50 ms', (row) => row.delay_p50_ms.toFixed(2)],
  ['p99 ms', (row) => row.delay_p99_ms.toFixed(2)],
  ['received %', (row) => (100 * row.received).toFixed(2)],
  ['kB a session', (row) => row.kb_per_session.toFixed(0)],
  ['load %', (row) => row.load_percent.toFixed(0)],
], results.websocket);
writeJson(options, results);
