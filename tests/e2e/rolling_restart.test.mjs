// SPDX-License-Identifier: MIT
// Maintenance that nobody notices: servers are restarted under 50 native
// clients, and each of them goes on with its session.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { Pair } from '../nodes/pair.mjs';
import { until } from './support/call.mjs';
import { Crowd } from './support/crowd.mjs';
import { Daemon } from './support/daemon.mjs';

const kRestarts = 3;

// The ways in which an operator asks for it.
const asked = {
  signal: (daemon) => daemon.process.stop(),
  api: async (daemon) => {
    const [, admin] = await daemon.process.waitFor(/admin: listening address=(\S+)/);
    const token = readFileSync(join(daemon.stateDir, 'admin.key'), 'utf8').trim();
    const answer = await fetch(`http://${admin}/api/v1/admin/drain`, {
      method: 'POST', headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(answer.status, 202);
    assert.equal((await answer.json()).result.status, 'draining');
    return daemon.process.exited;
  },
};

test('a restart of the only server loses no session', async (t) => {
  const stateDir = mkdtempSync(join(tmpdir(), 'videocall-rolling-'));
  t.after(() => rmSync(stateDir, { recursive: true, force: true }));
  const args = ['--join-rate', '0', '--max-cpu', '0'];
  let daemon = await Daemon.start({ stateDir, drainTimeout: 0, args });
  t.after(() => daemon.process.stop('SIGKILL'));
  const http = daemon.http.replace('localhost', '127.0.0.1');
  const webtransport = `127.0.0.1:${daemon.webtransportPort}`;
  const crowd = await Crowd.start(daemon.url, 10, 5);
  t.after(() => crowd.stop());
  for (let i = 0; i < kRestarts; ++i) {
    const noticed = await crowd.during(async () => {
      const stop = i % 2 === 0 ? asked.signal : asked.api;
      assert.equal(await stop(daemon), 0);
      daemon = await Daemon.start({ stateDir, drainTimeout: 0, args, http, webtransport });
    });
    assert.equal(noticed.lost, 0, JSON.stringify(noticed));
    assert.equal(noticed.left, 0, JSON.stringify(noticed));
    assert.equal(noticed.resumed, crowd.size);
  }
  assert.equal(await crowd.leave(), 0);
});

test('sessions over WebSocket outlive a restart too', async (t) => {
  const stateDir = mkdtempSync(join(tmpdir(), 'videocall-rolling-'));
  t.after(() => rmSync(stateDir, { recursive: true, force: true }));
  const args = ['--join-rate', '0', '--max-cpu', '0'];
  let daemon = await Daemon.start({ stateDir, drainTimeout: 0, args });
  t.after(() => daemon.process.stop('SIGKILL'));
  const http = daemon.http.replace('localhost', '127.0.0.1');
  const crowd = await Crowd.start(daemon.url, 5, 4, 'websocket');
  t.after(() => crowd.stop());
  const noticed = await crowd.during(async () => {
    assert.equal(await daemon.process.stop(), 0);
    daemon = await Daemon.start({ stateDir, drainTimeout: 0, args, http });
  });
  assert.equal(noticed.lost, 0, JSON.stringify(noticed));
  assert.equal(noticed.left, 0, JSON.stringify(noticed));
  assert.equal(noticed.resumed, crowd.size);
  assert.equal(await crowd.leave(), 0);
});

// Each of these meetings is at home on one of two servers, about half on each.
const kMeetings = Array.from({ length: 20 }, (_, i) => `home-${i}`);

test('nobody is sent to a server that drains', async (t) => {
  const pair = await Pair.start();
  t.after(() => pair.stop());
  const [a, b] = pair.places.map(({ webtransport }) => webtransport);
  const homes = (asked) => Promise.all(kMeetings.map((meeting) => pair.leadsTo(asked, meeting)));
  for (const asked of [0, 1])
    await until('both are handed out', async () => {
      const all = await homes(asked);
      return all.includes(a) && all.includes(b);
    });

  const crowd = await Crowd.start(pair.urls, 10, 5);
  t.after(() => crowd.stop());
  const { process } = pair.nodes[0];
  process.child.kill('SIGTERM');
  await process.waitFor(/server: draining/);
  // It may be gone before it has answered all.
  const told = await Promise.allSettled(kMeetings.map((meeting) => pair.leadsTo(0, meeting)));
  const answers = told.filter(({ status }) => status === 'fulfilled');
  assert.deepEqual(new Set(answers.map(({ value }) => value)), new Set([b]));
  assert.equal(await process.exited, 0);
  assert.deepEqual(new Set(await homes(1)), new Set([b]));
  assert.equal(await crowd.leave(), 0);
});

test('a rolling restart of two servers loses no session', async (t) => {
  const pair = await Pair.start();
  t.after(() => pair.stop());
  const crowd = await Crowd.start(pair.urls, 10, 5);
  t.after(() => crowd.stop());
  let resumed = 0;
  for (const index of [0, 1]) {
    const noticed = await crowd.during(async () => {
      assert.equal(await pair.restart(index), 0);
    }, 0);
    assert.equal(noticed.lost, 0, JSON.stringify(noticed));
    assert.equal(noticed.left, 0, JSON.stringify(noticed));
    t.diagnostic(`${noticed.resumed} moved, gap ${Math.max(...noticed.gaps_ms)} ms`);
    resumed += noticed.resumed;
  }
  // On the second were at last all.
  assert.ok(resumed >= crowd.size, `${resumed}`);
  assert.equal(await crowd.leave(), 0);
});
