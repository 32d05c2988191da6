#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// From glass to glass: how old a picture is when the page shows it. The command
// line streams a test pattern of 1280x720 at 30 fps, without sound, in which the
// time of its drawing stands; at each of its own frames the page looks at the
// canvas of the tile and reads that time. Both clocks are this machine's.
//
//   ./dev bench glass [--quick] [--seconds N] [--rounds N] [--json FILE]
import { readFileSync } from 'node:fs';

import { Person, until } from '../tests/e2e/support/call.mjs';
import { Chromium } from '../tests/e2e/support/chromium.mjs';
import { Daemon } from '../tests/e2e/support/daemon.mjs';
import { Process } from '../tests/e2e/support/process.mjs';
import { median, printTable, readOptions, writeJson } from './support.mjs';

const options = readOptions('glass', { rounds: 6, seconds: 20 }, { rounds: 1, seconds: 8 });
const clockReader = readFileSync(
  new URL('../tests/e2e/support/clock.mjs', import.meta.url), 'utf8').replaceAll('export ', '');

// In the page: for |seconds|, the age in ms of each picture when it was first
// seen, and how many pictures lay between the first and the last.
async function watch(seconds) {
  const tile = document.querySelector('.tile canvas');
  const scratch = new OffscreenCanvas(tile.width, Math.ceil(tile.height / 18) * 18);
  const context = scratch.getContext('2d', { willReadFrequently: true });
  const { width, height } = tile;
  const ages = [];
  let first = null;
  let last = null;
  const until = performance.now() + seconds * 1_000;
  for (;;) {
    await new Promise(requestAnimationFrame);
    const now = performance.timeOrigin + performance.now();
    if (performance.now() > until) break;
    // The code is in the four top rows of eighteen.
    const codeHeight = Math.ceil((height * 4) / 18);
    context.drawImage(tile, 0, 0, width, codeHeight, 0, 0, width, codeHeight);
    const { data } = context.getImageData(0, 0, width, codeHeight);
    const seen = readClock({ width, height, data });
    if (!seen || seen.frame === last) continue;
    first ??= seen.frame;
    last = seen.frame;
    ages.push(now - Number(seen.timeUs) / 1_000);
  }
  return { ages, sent: last - first + 1, width, height };
}

const percentile = (sorted, share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

async function round(browser, daemon, index) {
  const meeting = `glass-${index}`;
  const camera = new Process('videocall-cli', [
    'stream', '--url', daemon.url, '--meeting-id', meeting, '--user-id', 'cam',
    '--debug-send-test-pattern', '--audio', 'none', '--resolution', '1280x720', '--fps', '30',
  ]);
  try {
    const eye = await Person.join(browser, daemon, meeting, 'Eye');
    await eye.seesClockOf('cam');
    // Large from the first: the layer and the decoder have settled.
    await until(() => eye.describe(), async () =>
      (await eye.facts()).peers.some((peer) => peer.video?.framesDrawn > 90));
    const { ages, sent, width, height } = await eye.page.evaluate(watch, options.seconds);
    await eye.page.close();
    const sorted = [...ages].sort((a, b) => a - b);
    return {
      size: `${width}x${height}`, shown: ages.length, sent,
      p50_ms: percentile(sorted, 0.5), p95_ms: percentile(sorted, 0.95),
      max_ms: sorted.at(-1),
    };
  } finally {
    await camera.stop('SIGINT');
  }
}

const daemon = await Daemon.start({ args: ['--join-rate', '0', '--max-cpu', '0', '--log-level', 'warning'] });
const browser = await Chromium.launch({ devices: 'no camera' });
const rounds = [];
try {
  await browser.context.addInitScript(clockReader + '\nwindow.readClock = readClock;');
  for (let i = 0; i < options.rounds; i++) rounds.push(await round(browser, daemon, i));
} finally {
  await browser.close();
  await daemon.stop();
}
const result = Object.fromEntries(['p50_ms', 'p95_ms', 'max_ms', 'shown', 'sent'].map(
  (name) => [name, median(rounds.map((one) => one[name]))]));
printTable([
  ['720p30, no sound', () => rounds[0].size],
  ['pictures', (row) => `${row.shown} of ${row.sent}`],
  ['p50 ms', (row) => row.p50_ms.toFixed(1)],
  ['p95 ms', (row) => row.p95_ms.toFixed(1)],
  ['max ms', (row) => row.max_ms.toFixed(1)],
], [result]);
writeJson(options, { glass: { ...result, rounds } });
process.exit(0);
