// SPDX-License-Identifier: MIT
// A microphone and a camera that end by themselves, as they do when a machine
// wakes up or a headset is unplugged, are opened again.
import assert from 'node:assert/strict';

import { Person, until } from './support/call.mjs';
import { Chromium } from './support/chromium.mjs';
import { scenario } from './support/cleanup.mjs';
import { Daemon } from './support/daemon.mjs';

// Keeps the tracks that a page opens where endTracks() finds them.
function keepTracks() {
  window.openedTracks = [];
  const devices = navigator.mediaDevices;
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    await window.held;
    const stream = await getUserMedia(constraints);
    window.openedTracks.push(...stream.getTracks());
    return stream;
  };
}

// What a browser does when a device is gone; stop() alone tells nobody.
function endTracks() {
  for (const track of window.openedTracks.splice(0)) {
    track.stop();
    track.dispatchEvent(new Event('ended'));
  }
}

scenario('devices that end are opened again', async (later) => {
  const daemon = later(await Daemon.start(), (d) => d.stop());
  const first = later(await Chromium.launch({ toneHz: 440 }));
  const second = later(await Chromium.launch({ toneHz: 660 }));
  await second.context.addInitScript(keepTracks);
  const anna = await Person.join(first, daemon, 'devices', 'Anna');
  const ben = await Person.join(second, daemon, 'devices', 'Ben');
  await Promise.all([anna.seesClockOf('Ben'), anna.hears('Ben', 660)]);

  await ben.page.evaluate(endTracks);
  await until(
    () => ben.describe(),
    () => ben.page.evaluate(() => window.openedTracks.length === 2),
  );
  await Promise.all([anna.seesClockOf('Ben'), anna.hears('Ben', 660)]);

  // Who mutes while the microphone is opened again is not heard.
  await ben.page.evaluate(() => {
    window.held = new Promise((resolve) => (window.release = resolve));
  });
  await ben.page.evaluate(endTracks);
  await ben.page.click('[data-control="microphone"]');
  await ben.page.evaluate(() => window.release());
  const enabled = await until(
    () => ben.describe(),
    () => ben.page.evaluate(() => window.openedTracks.length === 2 &&
      window.openedTracks.map((track) => `${track.kind} ${track.enabled}`).sort()),
  );
  assert.deepEqual(enabled, ['audio false', 'video true']);
});
