// SPDX-License-Identifier: MIT
import { Person } from './support/call.mjs';
import { Chromium } from './support/chromium.mjs';
import { scenario } from './support/cleanup.mjs';
import { Daemon } from './support/daemon.mjs';
import { Process } from './support/process.mjs';

scenario('three publish, each sees the others', async (later) => {
  const daemon = later(await Daemon.start(), (d) => d.stop());
  later(
    new Process('videocall-cli', [
      'stream', '--url', daemon.url, '--meeting-id', 'three',
      '--user-id', 'cam', '--debug-send-test-pattern', '--audio', 'none',
      '--resolution', '640x360',
    ]),
    (p) => p.stop('SIGINT'),
  );
  const first = later(await Chromium.launch({ toneHz: 440 }));
  const second = later(await Chromium.launch({ toneHz: 660 }));
  const anna = await Person.join(first, daemon, 'three', 'Anna');
  const ben = await Person.join(second, daemon, 'three', 'Ben');
  await Promise.all([
    anna.seesClockOf('cam'),
    anna.seesClockOf('Ben'),
    ben.seesClockOf('cam'),
    ben.seesClockOf('Anna'),
  ]);
  await Promise.all([anna.hears('Ben', 660), ben.hears('Anna', 440)]);
});
