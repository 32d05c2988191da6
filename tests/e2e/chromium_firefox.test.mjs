// SPDX-License-Identifier: MIT
import { Person } from './support/call.mjs';
import { Chromium } from './support/chromium.mjs';
import { scenario } from './support/cleanup.mjs';
import { Daemon } from './support/daemon.mjs';
import { Firefox } from './support/firefox.mjs';

scenario('Chromium and Firefox see and hear one another', async (later) => {
  const daemon = later(await Daemon.start(), (d) => d.stop());
  const chromium = later(await Chromium.launch({ toneHz: 440 }));
  const firefox = later(await Firefox.launch({ toneHz: 880 }));
  const anna = await Person.join(chromium, daemon, 'mixed', 'Anna');
  const fritz = await Person.join(firefox, daemon, 'mixed', 'Fritz');

  await Promise.all([fritz.seesClockOf('Anna'), anna.seesColourOf('Fritz')]);
  await Promise.all([fritz.hears('Anna', 440), anna.hears('Fritz', 880)]);
});
