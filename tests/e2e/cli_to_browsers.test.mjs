// SPDX-License-Identifier: MIT
import { Person } from './support/call.mjs';
import { Chromium } from './support/chromium.mjs';
import { scenario } from './support/cleanup.mjs';
import { Daemon } from './support/daemon.mjs';
import { Firefox } from './support/firefox.mjs';
import { Process } from './support/process.mjs';

scenario('the command line streams to both browsers', async (later) => {
  const daemon = later(await Daemon.start(), (d) => d.stop());
  const camera = later(
    new Process('videocall-cli', [
      'stream', '--url', daemon.url, '--meeting-id', 'robot',
      '--user-id', 'cam', '--debug-send-test-pattern', '--audio', 'tone',
      '--tone-hz', '523', '--resolution', '640x360',
    ]),
    (p) => p.stop('SIGINT'),
  );
  const chromium = later(await Chromium.launch());
  const firefox = later(await Firefox.launch());
  const anna = await Person.join(chromium, daemon, 'robot', 'Anna');
  const fritz = await Person.join(firefox, daemon, 'robot', 'Fritz');

  await Promise.all([anna.seesClockOf('cam'), fritz.seesClockOf('cam')]);
  await Promise.all([anna.hears('cam', 523), fritz.hears('cam', 523)]);

  await camera.stop('SIGINT');
  await Promise.all([anna.waitUntilGone('cam'), fritz.waitUntilGone('cam')]);
});
