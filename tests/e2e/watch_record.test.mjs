// SPDX-License-Identifier: MIT
// A browser's picture and tone, recorded by the command line to Matroska.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Person, until } from './support/call.mjs';
import { Chromium } from './support/chromium.mjs';
import { scenario } from './support/cleanup.mjs';
import { readClock } from './support/clock.mjs';
import { Daemon } from './support/daemon.mjs';
import { Process } from './support/process.mjs';
import { loudestTone } from './support/tone.mjs';

function decode(launch) {
  return execFileSync(
    'gst-launch-1.0',
    ['-q', ...launch.split(' '), '!', 'fdsink', 'fd=1'],
    { maxBuffer: 1 << 30, timeout: 60_000 },
  );
}

scenario('watch --record keeps what a browser sent', async (later) => {
  const daemon = later(await Daemon.start(), (d) => d.stop());
  const directory = later(
    mkdtempSync(join(tmpdir(), 'videocall-record-')),
    (d) => rmSync(d, { recursive: true, force: true }),
  );
  const browser = later(await Chromium.launch({ toneHz: 440 }));
  const anna = await Person.join(browser, daemon, 'record', 'Anna');
  const watch = later(
    new Process('videocall-cli', [
      'watch', '--url', daemon.url, '--meeting-id', 'record',
      '--user-id', 'recorder', '--record', directory,
    ]),
    (p) => p.stop('SIGINT'),
  );
  await anna.find('recorder');
  await until(
    () => anna.describe(),
    async () => (await anna.facts()).sending.video,
  );
  const framesBefore = (await anna.facts()).sending.video.framesEncoded;
  await until(
    () => anna.describe(),
    async () => (await anna.facts()).sending.video.framesEncoded > framesBefore + 150,
  );
  assert.equal(await watch.stop('SIGINT'), 0, watch.output);

  const files = readdirSync(directory).filter((f) => f.endsWith('.mkv'));
  assert.equal(files.length, 1, `files ${files}; ${watch.output}`);
  const file = join(directory, files[0]);
  const [width, height] = [640, 360];
  const pictures = decode(
    `filesrc location=${file} ! matroskademux name=d d.video_0 ! queue ! ` +
      'decodebin ! videoconvert ! videoscale ! ' +
      `video/x-raw,format=RGBA,width=${width},height=${height}`,
  );
  const counters = new Set();
  const size = width * height * 4;
  for (let at = 0; at + size <= pictures.length; at += size) {
    const clock = readClock({ width, height, data: pictures.subarray(at, at + size) });
    if (clock) counters.add(clock.frame);
  }
  assert.ok(counters.size >= 60, `only ${counters.size} different frames`);

  const samples = decode(
    `filesrc location=${file} ! matroskademux name=d d.audio_0 ! queue ! ` +
      'decodebin ! audioconvert ! audioresample ! ' +
      'audio/x-raw,format=S16LE,rate=48000,channels=1',
  );
  const hz = loudestTone(samples, 48000);
  assert.ok(Math.abs(hz - 440) <= 10, `recorded tone is ${hz} Hz`);
});
