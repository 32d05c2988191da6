// SPDX-License-Identifier: MIT
// A laptop sleeps until the others see its owner leave, and wakes up.
import assert from 'node:assert/strict';

import { Person, until } from './support/call.mjs';
import { Chromium } from './support/chromium.mjs';
import { scenario } from './support/cleanup.mjs';
import { Daemon } from './support/daemon.mjs';

scenario('a call heals when a laptop wakes up', async (later) => {
  const daemon = later(await Daemon.start(), (d) => d.stop());
  const first = later(await Chromium.launch({ toneHz: 440 }));
  const second = later(await Chromium.launch({ toneHz: 660 }), (b) => {
    b.wake();
    return b.close();
  });
  const anna = await Person.join(first, daemon, 'sleep', 'Anna');
  const ben = await Person.join(second, daemon, 'sleep', 'Ben');
  await Promise.all([anna.seesClockOf('Ben'), ben.seesClockOf('Anna')]);
  const idBefore = (await ben.facts()).sessionId;

  second.sleep();
  await anna.waitUntilGone('Ben');
  second.wake();

  await anna.find('Ben');
  await until(
    () => ben.describe(),
    async () => (await ben.facts()).phase === 'connected',
  );
  await Promise.all([anna.seesClockOf('Ben'), ben.seesClockOf('Anna')]);
  await Promise.all([anna.hears('Ben', 660), ben.hears('Anna', 440)]);
  // After 10 s the others were told, but who comes back is the same person.
  assert.equal((await ben.facts()).sessionId, idBefore);
});
