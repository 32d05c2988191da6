// SPDX-License-Identifier: MIT
// A microphone and a camera that end by themselves, as they do when a machine
// wakes up or a headset is unplugged, are opened again.
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

  // Ends both, and does |press| while they are opened again.
  const whileOpening = async (press) => {
    await ben.page.evaluate(() => {
      window.held = new Promise((resolve) => (window.release = resolve));
    });
    await ben.page.evaluate(endTracks);
    await ben.page.click(`[data-control="${press}"]`);
    await ben.page.evaluate(() => window.release());
  };
  const opened = (expected) => until(
    () => ben.describe(),
    () => ben.page.evaluate((wanted) => wanted.every((each) => window.openedTracks
      .some(({ kind, enabled, readyState }) =>
        each === `${kind} ${enabled ? 'on' : 'muted'} ${readyState}`)), expected),
  );

  // Who mutes meanwhile is not heard, who turns the camera off not seen.
  await whileOpening('microphone');
  await opened(['audio muted live', 'video on live']);
  await whileOpening('camera');
  await opened(['video on ended']);
  await until(
    () => anna.describe(),
    async () => (await anna.facts()).members.some((m) => m.displayName === 'Ben' && !m.video),
  );
});
