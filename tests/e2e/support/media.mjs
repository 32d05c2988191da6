// SPDX-License-Identifier: MIT
// What fake cameras and microphones play: a moving picture with a readable
// frame counter, and a tone. Made once per test run by the elements that the
// headless streamer uses.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const directory =
  process.env.VIDEOCALL_E2E_MEDIA ??
  join(dirname(fileURLToPath(import.meta.url)), '../../../build/tests/e2e/media');

function make(name, launch) {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, name);
  if (existsSync(file)) return file;
  const partial = `${file}.${process.pid}`;
  execFileSync(
    'gst-launch-1.0',
    ['-q', ...launch.split(' '), '!', 'filesink', `location=${partial}`],
    { stdio: ['ignore', 'inherit', 'inherit'], timeout: 120_000 },
  );
  renameSync(partial, file);
  return file;
}

// Ten seconds of 640x360 at 30 fps, Motion JPEG.
export function pictureFile() {
  return make(
    'clock.mjpeg',
    'videotestsrc num-buffers=300 pattern=ball ! ' +
      'video/x-raw,width=640,height=360,framerate=30/1,format=I420 ! ' +
      'videocallclockoverlay ! jpegenc quality=92',
  );
}

// Ten seconds of a sine of |hertz|, 48 kHz, 16 bit.
export function toneFile(hertz) {
  return make(
    `tone-${hertz}.wav`,
    `audiotestsrc num-buffers=500 samplesperbuffer=960 freq=${hertz} ` +
      'volume=0.5 ! audio/x-raw,rate=48000,channels=1,format=S16LE ! wavenc',
  );
}
