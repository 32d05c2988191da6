#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// What a viewer costs: server CPU per delivered GB against the floor of the same
// run, delay, memory a session, time to the first key frame. The server runs
// on core 0, the load on core 1.
//
//   ./dev bench fanout [--quick] [--rounds N] [--seconds N] [--json FILE]
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Daemon } from '../tests/e2e/support/daemon.mjs';

const options = { rounds: 6, seconds: 10, json: '' };
for (let args = process.argv.slice(2); args.length > 0; ) {
  const flag = args.shift();
  if (flag === '--quick') Object.assign(options, { rounds: 1, seconds: 4 });
  else if (flag === '--help') {
    console.log('Usage: ./dev bench fanout [--quick] [--rounds N] [--seconds N] [--json FILE]');
    process.exit(0);
  } else if (['--rounds', '--seconds'].includes(flag)) options[flag.slice(2)] = Number(args.shift());
  else if (flag === '--json') options.json = args.shift();
  else {
    console.error(`bench fanout: unknown option ${flag}; --help lists them.`);
    process.exit(2);
  }
}

const build = process.env.VIDEOCALL_BUILD_DIR ??
  join(dirname(fileURLToPath(import.meta.url)), '..', 'build');

function program(path, args, core) {
  return JSON.parse(execFileSync('taskset', [
    '-c', String(core), join(build, path), ...args.map(String),
  ], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 }));
}

// A fresh server for each figure, pinned to core 0 as a whole.
async function withServer(measure) {
  const daemon = await Daemon.start({
    args: ['--join-rate', '0', '--shards', '1', '--log-level', 'warning'],
  });
  execFileSync('taskset', ['-a', '-p', '-c', '0', String(daemon.process.pid)], { stdio: 'ignore' });
  try {
    return measure(daemon);
  } finally {
    await daemon.process.stop('SIGKILL');
  }
}

// One socket, as one machine has that all viewers' packets leave by.
const load = (daemon, args) =>
  program('cli/videocall-cli', [
    'loadtest', '--url', daemon.url, '--server-pid', daemon.process.pid,
    '--sockets', 1, '--quiet', '--json', '-', ...args,
  ], 1);

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function fanout(viewers) {
  const rounds = [];
  for (let i = 0; i < options.rounds; i++) {
    const relay = await withServer((daemon) =>
      load(daemon, ['--viewers', viewers, '--duration', options.seconds]));
    delete relay.viewers;
    const floor = program('benchmarks/bench-floor',
      ['--viewers', viewers, '--seconds', options.seconds], 0);
    rounds.push({ relay, floor,
      floor_ratio: relay.server.core_s_per_gb / floor.core_s_per_gb });
  }
  const pick = (f) => median(rounds.map(f));
  return {
    viewers,
    core_s_per_gb: pick((r) => r.relay.server.core_s_per_gb),
    floor_core_s_per_gb: pick((r) => r.floor.core_s_per_gb),
    floor_ratio: pick((r) => r.floor_ratio),
    delay_p50_us: pick((r) => 1000 * r.relay.total.latency_ms.p50),
    delay_p99_us: pick((r) => 1000 * r.relay.total.latency_ms.p99),
    first_key_frame_p95_ms: pick((r) => r.relay.total.first_key_frame_ms.p95),
    received: pick((r) => 1 - r.relay.total.loss_percent / 100),
    rounds,
  };
}

const results = { fanout: [] };
for (const viewers of [100, 500]) results.fanout.push(await fanout(viewers));
results.idle = await withServer((daemon) => load(daemon,
  ['--publishers', 0, '--viewers', 500, '--duration', 1]));
delete results.idle.viewers;

const cell = (value, digits = 2) => value.toFixed(digits).padStart(10);
console.log('viewers   core-s/GB     floor     ratio  p50 µs  p99 µs  first key frame p95 ms  received');
for (const row of results.fanout) {
  console.log(
    String(row.viewers).padStart(7) + cell(row.core_s_per_gb) + cell(row.floor_core_s_per_gb) +
      cell(row.floor_ratio) + cell(row.delay_p50_us, 0) + cell(row.delay_p99_us, 0) +
      cell(row.first_key_frame_p95_ms, 1) + cell(100 * row.received, 1) + ' %');
}
console.log(`resident per idle session: ${results.idle.server.kb_per_session.toFixed(0)} kB`);
if (options.json) writeFileSync(options.json, JSON.stringify(results, null, 2) + '\n');
