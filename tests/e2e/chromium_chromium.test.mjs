// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';

import { Person } from './support/call.mjs';
import { Chromium } from './support/chromium.mjs';
import { scenario } from './support/cleanup.mjs';
import { Daemon } from './support/daemon.mjs';

scenario('two Chromiums see and hear one another', async (later) => {
  const daemon = later(await Daemon.start(), (d) => d.stop());
  const first = later(await Chromium.launch({ toneHz: 440 }));
  const second = later(await Chromium.launch({ toneHz: 660 }));
  const anna = await Person.join(first, daemon, 'pair', 'Anna');
  const ben = await Person.join(second, daemon, 'pair', 'Ben');

  await Promise.all([anna.seesClockOf('Ben'), ben.seesClockOf('Anna')]);
  await Promise.all([anna.hears('Ben', 660), ben.hears('Anna', 440)]);
  assert.equal((await anna.facts()).transport, 'webtransport');

  await ben.page.click('[data-control="leave"]');
  await anna.waitUntilGone('Ben');
});
