// SPDX-License-Identifier: MIT
// WebSocket for those whom WebTransport does not reach: both in one room, a
// browser that lacks what Safari lacks, and a network that lets no UDP pass.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';

import { Person, until } from './support/call.mjs';
import { Chromium } from './support/chromium.mjs';
import { scenario } from './support/cleanup.mjs';
import { Daemon } from './support/daemon.mjs';
import { Firefox } from './support/firefox.mjs';
import { Process } from './support/process.mjs';

// From the click on Join to the first picture, without UDP.
// Usually 330; the aim, 1 500, is that of bench page --block-udp.
const FIRST_PICTURE_MS = 4_000;

const over = async (person) => (await person.facts()).transport;

function camera(daemon, meeting, transport) {
  return new Process('videocall-cli', [
    'stream', '--url', daemon.url, '--meeting-id', meeting, '--user-id', `cam-${transport}`,
    '--debug-send-test-pattern', '--audio', 'tone', '--tone-hz', '523',
    '--resolution', '640x360', '--transport', transport,
  ]);
}

scenario('one room over both, with Chromium, Firefox and the command line', async (later) => {
  const daemon = later(await Daemon.start(), (d) => d.stop());
  later(camera(daemon, 'mixed', 'websocket'), (p) => p.stop('SIGINT'));
  const chromium = later(await Chromium.launch({ toneHz: 440 }));
  const firefox = later(await Firefox.launch({ toneHz: 880 }));
  const anna = await Person.join(chromium, daemon, 'mixed', 'Anna');
  const fritz = await Person.join(firefox, daemon, 'mixed?transport=websocket', 'Fritz');
  assert.equal(await over(anna), 'webtransport');
  assert.equal(await over(fritz), 'websocket');

  await Promise.all([
    anna.seesClockOf('cam-websocket'), fritz.seesClockOf('cam-websocket'),
    anna.seesColourOf('Fritz'), fritz.seesClockOf('Anna'),
  ]);
  await Promise.all([
    anna.hears('Fritz', 880), fritz.hears('Anna', 440), anna.hears('cam-websocket', 523),
  ]);
});

scenario('a browser in the situation of Safari calls and is called', async (later) => {
  const daemon = later(await Daemon.start(), (d) => d.stop());
  // A worker that the test hands out comes from nowhere for Chromium, and may
  // not call this machine.
  const anywhere = '--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets';
  const safari = later(await Chromium.launch({ toneHz: 440, args: [anywhere] }));
  await safari.withoutInWorkers('WebTransport');
  await safari.context.addInitScript(() => {
    delete window.MediaStreamTrackProcessor;
    delete window.MediaStreamTrackGenerator;
  });
  const other = later(await Chromium.launch({ toneHz: 660 }));
  const sara = await Person.join(safari, daemon, 'safari', 'Sara');
  const ben = await Person.join(other, daemon, 'safari', 'Ben');
  assert.equal(await over(sara), 'websocket');
  assert.equal(await over(ben), 'webtransport');
  await Promise.all([sara.seesClockOf('Ben'), ben.seesClockOf('Sara')]);
  await Promise.all([sara.hears('Ben', 660), ben.hears('Sara', 440)]);
});

// A port where UDP goes to die.
async function blackHole() {
  const socket = dgram.createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket;
}

scenario('where UDP is blocked a picture is there at once all the same', async (later) => {
  const hole = later(await blackHole(), (socket) => socket.close());
  const daemon = later(
    await Daemon.start({
      args: ['--public-webtransport-url', `https://127.0.0.1:${hole.address().port}`],
    }),
    (d) => d.stop(),
  );
  later(camera(daemon, 'blocked', 'auto'), (p) => p.stop('SIGINT'));
  const chromium = later(await Chromium.launch());
  const anna = await Person.join(chromium, daemon, 'blocked', 'Anna');
  assert.equal(await over(anna), 'websocket');
  await anna.seesClockOf('cam-auto');
  // What is measured is the way of the network, not a cold browser.
  await anna.page.close();
  const again = await Person.join(chromium, daemon, 'blocked', 'Again');
  await again.seesClockOf('cam-auto', 2);
  const { clicked, drawn } = await again.page.evaluate(() => window.__videocall.milestones);
  console.log(`first picture ${Math.round(drawn - clicked)} ms after the click`);
  assert.ok(drawn - clicked <= FIRST_PICTURE_MS, `${drawn - clicked} ms`);
  await until('the words', () =>
    again.page.evaluate(() => {
      document.querySelector('[aria-label="More"], .control-more')?.click();
      return /UDP seems blocked/.test(document.body.textContent);
    }),
  );
});
