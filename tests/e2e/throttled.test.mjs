// SPDX-License-Identifier: MIT
// A viewer's link becomes narrow in the middle of a call, and wide again: the
// picture becomes smaller and large again without a freeze, the sound stays,
// and the other person notices nothing.
import assert from 'node:assert/strict';

import { Person, until } from './support/call.mjs';
import { Chromium } from './support/chromium.mjs';
import { scenario } from './support/cleanup.mjs';
import { Daemon } from './support/daemon.mjs';
import { ImpairingProxy } from './support/impairing_proxy.mjs';

const NARROW_KBPS = 250;
// Of the one whose link changes, between one datagram and the next: usually 300
// to 700, since what waits in the network has to drain first (the aim is 500).
const NARROW_FREEZE_MS = 4_000;
// Of anybody else, and when the link is wide again: usually 50 to 350.
const FREEZE_MS = 3_000;
// A machine that is too busy sheds layers and takes its time to try again.
const PATIENCE_MS = 80_000;
// Once the picture is small enough. What was on its way when the link became
// narrow is lost to the full queue before it, sound like all else.
const MAX_AUDIO_LOST = 0.05;

scenario('a viewer whose link is throttled gets a lower layer', async (later) => {
  const proxy = later(await ImpairingProxy.start());
  const daemon = later(
    await Daemon.start({ args: ['--public-webtransport-url', proxy.url] }),
    (d) => d.stop(),
  );
  proxy.target = daemon.webtransportPort;
  const first = later(await Chromium.launch({ toneHz: 440 }));
  const second = later(await Chromium.launch({ toneHz: 660 }));
  const anna = await Person.join(first, daemon, 'throttled', 'Anna');
  const annas = proxy.flows.length;
  const ben = await Person.join(second, daemon, 'throttled', 'Ben');
  const bens = () => proxy.flows.slice(annas);
  assert.ok(annas > 0 && bens().length > 0, 'both come through the proxy');
  const id = await ben.seesClockOf('Anna');
  const benId = await anna.seesClockOf('Ben');
  const peer = async () => (await ben.facts()).peers.find((p) => p.sessionId === id);
  const height = (pixels) => until(
    () => ben.describe(),
    async () => (await peer()).video.height === pixels,
    PATIENCE_MS,
  );
  const noFreeze = async (when, boundMs) => {
    const { video } = await peer();
    const annaSees = (await anna.facts()).peers.find((p) => p.sessionId === benId).video;
    console.log(`${when}: longest gap of Ben ${Math.round(video.longestGapMs)} ms, ` +
      `of Anna ${Math.round(annaSees.longestGapMs)} ms`);
    assert.ok(video.longestGapMs < boundMs, `${when}: Ben froze ${video.longestGapMs} ms`);
    assert.ok(annaSees.longestGapMs < FREEZE_MS,
      `${when}: Anna froze ${annaSees.longestGapMs} ms`);
  };

  await height(360);
  // The start is over; from here on nothing may freeze.
  for (const person of [anna, ben])
    await until(() => person.describe(), async () =>
      (await person.facts()).peers.every((p) => p.video.longestGapMs < 500));

  for (const flow of bens()) flow.down.set({ kbps: NARROW_KBPS });
  await height(180);
  assert.equal((await peer()).video.layer, 0);
  await ben.seesClockOf('Anna', 30);
  await noFreeze('when the link became narrow', NARROW_FREEZE_MS);
  const before = (await peer()).audio;
  await until(() => ben.describe(), async () =>
    (await peer()).audio.packets > before.packets + 200);
  await Promise.all([ben.hears('Anna', 440), anna.hears('Ben', 660)]);
  const after = (await peer()).audio;
  const packets = after.packets - before.packets;
  const lost = after.lost - before.lost;
  assert.ok(lost <= MAX_AUDIO_LOST * packets, `${lost} of ${packets} frames of sound lost`);

  for (const flow of bens()) flow.down.set();
  await height(360);
  await ben.seesClockOf('Anna', 30);
  await noFreeze('when the link became wide', FREEZE_MS);
});
