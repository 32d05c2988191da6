#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Two servers, joined by one nats-server: what it delivers for one publisher on
// the first and 1, 20 and 200 viewers on the second, and the delay that
// crossing adds to that within one server. Media is counted apart from what the
// servers tell each other of who comes and goes, and of themselves.
//
//   ./dev bench nats [--quick] [--rounds N] [--seconds N] [--json FILE]
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Daemon } from '../tests/e2e/support/daemon.mjs';
import { Broker, freePort } from '../tests/nodes/brokers.mjs';
import { NatsTap } from './nats-tap.mjs';
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
const media = await NatsTap.listen(broker.options.port, 'videocall.room.*.media.>');

const delivered = async () =>
  (await (await fetch(`http://127.0.0.1:${watcher}/varz`)).json()).out_msgs;

async function load(viewers, at) {
  const { stdout } = await promisify(execFile)(join(build, 'cli/videocall-cli'), [
    ...['loadtest', '--url', a.url, '--viewer-url', at.url, '--viewers', viewers, '--sockets', 1],
    ...['--duration', options.seconds, '--quiet', '--json', '-'],
  ].map(String), { encoding: 'utf8', maxBuffer: 1 << 28 });
  return JSON.parse(stdout);
}

async function measure(viewers, at) {
  const rounds = [];
  for (let i = 0; i < options.rounds; i++) {
    media.reset();
    const before = await delivered();
    const result = await load(viewers, at);
    // All media twice: to the other server and to the tap.
    const messages = (await delivered()) - before - media.messages;
    rounds.push({
      messages,
      media_per_s: media.perSecond,
      control: messages - media.messages,
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
    media_per_s: pick('media_per_s'),
    control: pick('control'),
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
  media.close();
  await Promise.all([a.process.stop('SIGKILL'), b.process.stop('SIGKILL')]);
  await broker.kill();
}

printTable([
  ['viewers', (row) => `${row.viewers} on the ${row.on}`],
  ['media/s', (row) => row.media_per_s.toFixed(1)],
  ['other messages', (row) => row.control],
  ['p50 ms', (row) => row.p50_ms.toFixed(3)],
  ['p99 ms', (row) => row.p99_ms.toFixed(3)],
  ['received %', (row) => row.received_percent.toFixed(2)],
], results.nats);
writeJson(options, results);
