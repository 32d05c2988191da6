// SPDX-License-Identifier: MIT
// The shortest whole path: an element publishes, another receives and decodes.
import assert from 'node:assert/strict';

import { scenario } from './support/cleanup.mjs';
import { Daemon } from './support/daemon.mjs';
import { Process } from './support/process.mjs';

scenario('videocallsink to videocallsrc', async (later) => {
  const daemon = later(await Daemon.start(), (d) => d.stop());
  const camera = later(
    new Process('gst-launch-1.0', [
      'videotestsrc', 'is-live=true', '!',
      'video/x-raw,width=320,height=180,framerate=30/1', '!',
      'vp8enc', 'deadline=1', '!',
      'videocallsink', `location=${daemon.url}`, 'meeting=smoke', 'user=cam',
    ]),
    (p) => p.stop('SIGINT'),
  );
  await camera.waitFor(/Setting pipeline to PLAYING|New clock/);
  // identity tells of every buffer; fakevideosink's own silent=false repeats
  // one line for ever in GStreamer 1.22.
  const eye = later(
    new Process('gst-launch-1.0', [
      '-v', 'videocallsrc', `location=${daemon.url}`, 'meeting=smoke',
      'user=eye', '!', 'decodebin', '!', 'videoconvert', '!',
      'identity', 'silent=false', '!', 'fakevideosink', 'sync=false',
    ]),
    (p) => p.stop('SIGINT'),
  );
  await eye.waitFor(/(last-message = chain[\s\S]*){20}/, 90_000);
  assert.match(eye.output, /width=\(int\)320, height=\(int\)180/);
});
