// SPDX-License-Identifier: MIT
// Maintenance that nobody notices: a server is restarted under 50 native
// clients, and each of them comes back with its session.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { Crowd } from './support/crowd.mjs';
import { Daemon } from './support/daemon.mjs';

const kRestarts = 3;

async function mediaPort(daemon) {
  const answer = await fetch(`${daemon.url}/api/v1/meetings/probe/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ display_name: 'probe' }),
  });
  return new URL((await answer.json()).result.transports
    .find(({ kind }) => kind === 'webtransport').url).port;
}

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
  const webtransport = `127.0.0.1:${await mediaPort(daemon)}`;
  const crowd = await Crowd.start(daemon.url, 10, 5);
  for (let i = 0; i < kRestarts; ++i) {
    const noticed = await crowd.during(async () => {
      const stop = i % 2 === 0 ? asked.signal : asked.api;
      assert.equal(await stop(daemon), 0);
      daemon = await Daemon.start({ stateDir, drainTimeout: 0, args, http, webtransport });
    });
    assert.equal(noticed.lost, 0, JSON.stringify(noticed));
    assert.equal(noticed.resumed, crowd.size);
  }
  assert.equal(await crowd.leave(), 0);
});
