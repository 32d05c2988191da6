// SPDX-License-Identifier: MIT
// The silence that a restart causes: 50 native clients in 10 meetings, one of
// each talking; gap: the longest time in which a listener got no media. Of one
// server, in place; of one of two after the other, while the other serves; and of
// one of two while the people of each meeting are on both.
//
//   ./dev bench restart [--nodes 1|2] [--quick] [--rounds N] [--json FILE]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Crowd } from '../tests/e2e/support/crowd.mjs';
import { Daemon } from '../tests/e2e/support/daemon.mjs';
import { Pair } from '../tests/nodes/pair.mjs';
import { printTable, readOptions, writeJson } from './support.mjs';

const options = readOptions('restart', { rounds: 20, nodes: 0 }, { rounds: 3 });

const rooms = 10;
const people = 5;
const meetings = Array.from({ length: rooms }, (_, i) => `crowd-${i}`);

const quantile = (values, q) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
};

async function mediaPort(daemon) {
  const answer = await fetch(`${daemon.url}/api/v1/meetings/probe/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ display_name: 'probe' }),
  });
  return new URL((await answer.json()).result.transports
    .find(({ kind }) => kind === 'webtransport').url).port;
}

// A round restarts both.
async function twoNodes() {
  const pair = await Pair.start(['--log-level', 'warning']);
  const crowd = await Crowd.start(pair.urls, rooms, people);
  const restarts = [];
  try {
    for (let i = 0; i < options.rounds; ++i)
      for (const index of [0, 1])
        restarts.push(await crowd.during(() => pair.restart(index), 0));
    await crowd.leave();
  } finally {
    await pair.stop();
  }
  return { name: 'two nodes, one after the other', restarts };
}

// How many are in all meetings on |daemon|.
async function peopleOn(daemon) {
  const lists = await Promise.all(meetings.map(async (meeting) =>
    (await (await fetch(`${daemon.url}/api/v1/meetings/${meeting}`)).json()).result));
  return lists.reduce((sum, result) => sum + (result?.participant_count ?? 0), 0);
}

// The people of every meeting are on both when one of the two restarts; each
// time a new crowd, since they gather on the one that stayed.
async function acrossNodes() {
  const pair = await Pair.start(['--log-level', 'warning']);
  const restarts = [];
  try {
    for (let i = 0; i < options.rounds; ++i) {
      await pair.apart(meetings);
      const coming = Crowd.start(pair.urls, rooms, people);
      for (let there = 0; there < rooms * people; await sleep(100))
        there = await peopleOn(pair.nodes[0]) + await peopleOn(pair.nodes[1]);
      await pair.together();
      const crowd = await coming;
      restarts.push(await crowd.during(() => pair.restart(i % 2), 0));
      await crowd.leave();
    }
  } finally {
    await pair.stop();
  }
  return { name: 'one of two nodes, each meeting on both', restarts };
}

async function oneNode() {
  const stateDir = mkdtempSync(join(tmpdir(), 'videocall-bench-'));
  const args = ['--join-rate', '0', '--max-cpu', '0', '--log-level', 'warning'];
  let daemon = await Daemon.start({ stateDir, drainTimeout: 0, args });
  const http = daemon.http.replace('localhost', '127.0.0.1');
  const webtransport = `127.0.0.1:${await mediaPort(daemon)}`;
  const crowd = await Crowd.start(daemon.url, rooms, people);
  const restarts = [];
  try {
    for (let i = 0; i < options.rounds; ++i) {
      restarts.push(await crowd.during(async () => {
        await daemon.process.stop();
        daemon = await Daemon.start({ stateDir, drainTimeout: 0, args, http, webtransport });
      }));
    }
    await crowd.leave();
  } finally {
    await daemon.process.stop('SIGKILL');
    rmSync(stateDir, { recursive: true, force: true });
  }
  return { name: 'one node, in place', restarts };
}

const results = [];
if (options.nodes !== 2) results.push(await oneNode());
if (options.nodes !== 1) results.push(await twoNodes(), await acrossNodes());
printTable([
  ['restarts under 50 clients', (row) => row.name],
  ['restarts', (row) => row.restarts.length],
  ['gap p50 ms', (row) => quantile(row.restarts.flatMap((r) => r.gaps_ms), 0.5).toFixed(0)],
  ['p99 ms', (row) => quantile(row.restarts.flatMap((r) => r.gaps_ms), 0.99).toFixed(0)],
  ['max ms', (row) => quantile(row.restarts.flatMap((r) => r.gaps_ms), 1).toFixed(0)],
  ['sessions lost', (row) => row.restarts.reduce((sum, r) => sum + r.lost, 0)],
], results);
writeJson(options, results);
