// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';

import { Person, until } from './support/call.mjs';
import { Chromium } from './support/chromium.mjs';
import { scenario } from './support/cleanup.mjs';
import { Daemon } from './support/daemon.mjs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

scenario('a call heals when the server restarts', async (later) => {
  const stateDir = mkdtempSync(join(tmpdir(), 'videocall-restart-'));
  let daemon = await Daemon.start({ stateDir });
  later(null, () => daemon.stop());
  const first = later(await Chromium.launch({ toneHz: 440 }));
  const second = later(await Chromium.launch({ toneHz: 660 }));
  const anna = await Person.join(first, daemon, 'heal', 'Anna');
  const ben = await Person.join(second, daemon, 'heal', 'Ben');
  await anna.seesClockOf('Ben');
  const idBefore = (await ben.facts()).sessionId;

  const http = daemon.http.replace('localhost', '127.0.0.1');
  const port = (await (await fetch(`${daemon.url}/api/v1/meetings/heal/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ display_name: 'probe' }),
  })).json()).result.transports[0].url.match(/:(\d+)\//)[1];
  // Killed, not asked: nobody is told.
  await daemon.process.stop('SIGKILL');
  daemon = await Daemon.start({
    stateDir, http, webtransport: `127.0.0.1:${port}`,
  });

  await until(
    () => anna.describe(),
    async () =>
      (await anna.facts()).phase === 'connected' &&
      (await anna.facts()).members.some((m) => m.displayName === 'Ben'),
    120_000,
  );
  await Promise.all([anna.seesClockOf('Ben'), ben.seesClockOf('Anna')]);
  await Promise.all([anna.hears('Ben', 660), ben.hears('Anna', 440)]);
  // The resume secret outlives the server: the id is the same.
  assert.equal((await ben.facts()).sessionId, idBefore);
});
