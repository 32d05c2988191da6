#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Two servers, joined by one nats-server: what it delivers for one publisher on
// the first and 1, 20 and 200 viewers on the second, and the delay that
// crossing adds to that within one server.
//
//   ./dev bench nats [--quick] [--rounds N] [--seconds N] [--json FILE]
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Daemon } from '../tests/e2e/support/daemon.mjs';
import { Broker, freePort } from '../tests/nodes/brokers.mjs';
import { median, printTable, readOptions, writeJson } from './support.mjs';

const build = process.env.VIDEOCALL_BUILD_DIR ??
  join(dirname(fileURLToPath(import.meta.url)), '..', 'build');
const options = readOptions('nats', { rounds: 3, seconds: 10 }, { rounds: 1, seconds: 3 });

const watcher = await freePort();
const broker = await Broker.start({ args: ['--http_port', String(watcher)] });
const node = (id) => Daemon.start({
  args: [
    ...['--node-id', id, '--nats-url', broker.url, '--join-rate', '0', '--max-cpu', '0'],
    ...['--shards', '1', '--log-level', 'warning'],
  ],
});
const [a, b] = [await node('a'), await node('b')];

const delivered = async () =>
  (await (await fetch(`http://127.0.0.1:${watcher}/varz`)).json()).out_msgs;

function load(viewers, at) {
  return JSON.parse(execFileSync(join(build, 'cli/videocall-cli'), [
    ...['loadtest', '--url', a.url, '--viewer-url', at.url, '--viewers', viewers, '--sockets', 1],
    ...['--duration', options.seconds, '--quiet', '--json', '-'],
  ].map(String), { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] }));
}

async function measure(viewers, at) {
  const rounds = [];
  for (let i = 0; i < options.rounds; i++) {
    const before = await delivered();
    const result = load(viewers, at);
    rounds.push({
      messages: (await delivered()) - before,
      sent: result.total.packets_expected / viewers,
      p50_ms: result.total.latency_ms.p50,
      p99_ms: result.total.latency_ms.p99,
      received_percent: 100 - result.total.loss_percent,
    });
  }
  const pick = (key) => median(rounds.map((round) => round[key]));
  return {
    viewers,
    on: at === a ? 'same server' : 'other server',
    messages: pick('messages'),
    p50_ms: pick('p50_ms'),
    p99_ms: pick('p99_ms'),
    received_percent: pick('received_percent'),
    rounds,
  };
}

const results = { nats: [] };
try {
  for (const viewers of [1, 20, 200]) {
    results.nats.push(await measure(viewers, a));
    results.nats.push(await measure(viewers, b));
  }
} finally {
  await Promise.all([a.process.stop('SIGKILL'), b.process.stop('SIGKILL')]);
  await broker.kill();
}

printTable([
  ['viewers', (row) => `${row.viewers} on the ${row.on}`],
  ['NATS messages', (row) => row.messages],
  ['p50 ms', (row) => row.p50_ms.toFixed(3)],
  ['p99 ms', (row) => row.p99_ms.toFixed(3)],
  ['received %', (row) => row.received_percent.toFixed(2)],
], results.nats);
writeJson(options, results);
