#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// One room on 1, 2 and 3 servers that a nats-server joins, the viewers spread
// evenly over them: what all servers together spend for a delivered GB, against
// one server with 200 viewers and against one with as many as each of them, in
// the same round. Each server has a core of its own as far as there are any, the
// load another. nats-server has neither a core nor real-time priority: with it
// the threads of a Go program wait for each other in loops that do not yield.
//
//   ./dev bench nodes [--quick] [--rounds N] [--seconds N] [--json FILE]
import { Daemon } from '../tests/e2e/support/daemon.mjs';
import { Broker } from '../tests/nodes/brokers.mjs';
import {
  coreOfServer, load, loads, median, pin, printTable, readOptions, writeJson,
} from './support.mjs';

const options = readOptions('nodes', { rounds: 6, seconds: 10 }, { rounds: 1, seconds: 4 });
// Servers, and viewers on each: as many on each, and as many in all.
const plan = [[1, 200], [2, 200], [3, 200], [1, 100], [2, 100], [1, 67], [3, 67]];

// |count| servers; one alone does without NATS.
async function start(count) {
  const broker = count > 1 ? await Broker.start() : undefined;
  const servers = [];
  for (let i = 0; i < count; i++) {
    servers.push(await Daemon.start({
      args: [
        ...['--node-id', `node-${i}`, ...(broker ? ['--nats-url', broker.url] : [])],
        ...['--join-rate', '0', '--max-cpu', '0', '--shards', '1', '--log-level', 'warning'],
      ],
    }));
    pin(servers[i].process.pid, coreOfServer(i), options);
  }
  return { broker, servers };
}

async function measure(count, each) {
  const { broker, servers } = await start(count);
  try {
    const pids = [...servers, ...(broker ? [broker] : [])].map(({ process }) => process.pid);
    const result = load(servers[0], [
      ...loads['mix 500 kbit/s'].load, '--viewers', count * each,
      '--duration', options.seconds,
      ...servers.flatMap(({ url }) => ['--viewer-url', url]),
    ], options, pids);
    const gb = result.total.bytes_received / 1e9;
    const cost = result.server.process_cpu_s.map((seconds) => seconds / gb);
    return {
      core_s_per_gb: cost.slice(0, count).reduce((sum, one) => sum + one, 0),
      nats_core_s_per_gb: cost[count] ?? 0,
      delay_p50_ms: result.total.latency_ms.p50,
      delay_p99_ms: result.total.latency_ms.p99,
      received: 1 - result.total.loss_percent / 100,
    };
  } finally {
    await Promise.all(servers.map(({ process }) => process.stop('SIGKILL')));
    await broker?.kill();
  }
}

const rows = plan.map(([servers, viewers]) => ({ servers, viewers, rounds: [] }));
const alone = (viewers) => rows.find((row) => row.servers === 1 && row.viewers === viewers);
// Round by round, so that what else the machine does meets all alike.
for (let i = 0; i < options.rounds; i++) {
  for (const row of rows) row.rounds.push(await measure(row.servers, row.viewers));
  for (const { viewers, rounds } of rows) {
    rounds[i].linear = rows[0].rounds[i].core_s_per_gb / rounds[i].core_s_per_gb;
    rounds[i].linear_as_many = alone(viewers).rounds[i].core_s_per_gb / rounds[i].core_s_per_gb;
  }
}
for (const row of rows)
  for (const key of Object.keys(row.rounds[0]))
    row[key] = median(row.rounds.map((round) => round[key]));

printTable([
  ['servers × viewers', (row) => `${row.servers} × ${row.viewers}`],
  ['core-s/GB', (row) => row.core_s_per_gb.toFixed(2)],
  ['linear to 1 × 200', (row) => row.linear.toFixed(2)],
  ['to one with as many', (row) => row.linear_as_many.toFixed(2)],
  ['nats-server', (row) => row.nats_core_s_per_gb.toFixed(2)],
  ['p50 ms', (row) => row.delay_p50_ms.toFixed(2)],
  ['p99 ms', (row) => row.delay_p99_ms.toFixed(2)],
  ['received %', (row) => (100 * row.received).toFixed(2)],
], rows);
writeJson(options, { nodes: rows });
