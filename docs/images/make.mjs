#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Photographs a real call for the README: a server, browsers with drawn people
// before their cameras, and the page as the first of them sees it.
//
//   ./dev shell -- node docs/images/make.mjs [FOLDER [SIZE-PART]]
//
// Without arguments it writes call-desktop.png and call-phone.png beside
// itself, with a folder every view in every size and theme.
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Person, until } from '../../tests/e2e/support/call.mjs';
import { Chromium } from '../../tests/e2e/support/chromium.mjs';
import { Daemon } from '../../tests/e2e/support/daemon.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2] ?? '';
const part = process.argv[3] ?? '';
const NAMES = ['Ada', 'Kwame', 'Finn', 'Mei'];
const FRAMES = 120;
const SIZES = { desktop: [1280, 800], phone: [390, 844], small: [320, 640] };

const temporary = mkdtempSync(join(tmpdir(), 'videocall-shots-'));
const closers = [() => rmSync(temporary, { recursive: true, force: true })];

async function films() {
  const studio = await Chromium.launch();
  const { page } = await studio.open('about:blank');
  await page.setContent('<canvas id="frame"></canvas>');
  await page.addScriptTag({ content: readFileSync(join(here, 'portraits.js'), 'utf8') });
  const files = [];
  for (const index of NAMES.keys()) {
    const frames = await page.evaluate(([i, n]) => film(i, n), [index, FRAMES]);
    const file = join(temporary, `${index}.mjpeg`);
    writeFileSync(file, Buffer.concat(frames.map((one) => Buffer.from(one, 'base64'))));
    files.push(file);
  }
  await studio.close();
  return files;
}

async function browser(camera) {
  const launched = await Chromium.launch({
    args: [`--use-file-for-fake-video-capture=${camera}`],
  });
  closers.push(() => launched.close());
  return launched;
}

const moves = (person, others) => until(
  () => person.describe(),
  async () => {
    const facts = await person.facts();
    return facts.peers.filter((one) => one.video?.framesDrawn > 30).length >= others;
  },
);

async function lobby(own, daemon, shoot) {
  const page = await own.open(daemon.meeting('weekly-planning'));
  await page.fill('#name', NAMES[0]);
  await page.page.waitForSelector('.preview video');
  await page.page.waitForTimeout(2_000);
  await shoot(page.page, 'lobby');
  await page.close();
}

// Every size and theme of what `page` shows now.
async function everySize(page, name) {
  for (const [size, [width, height]] of Object.entries(SIZES)) {
    for (const theme of ['light', 'dark']) {
      const file = `${name}-${size}-${theme}.png`;
      if (!file.includes(part)) continue;
      await page.emulateMedia({ colorScheme: theme });
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(700);
      await page.screenshot({ path: join(folder, file) });
    }
  }
}

async function readme(page) {
  await page.emulateMedia({ colorScheme: 'light' });
  for (const size of ['desktop', 'phone']) {
    const [width, height] = SIZES[size];
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(1_000);
    // A busy machine shows signs of a weak network for some seconds.
    await page.waitForFunction(
      () => document.querySelectorAll('.tile-weak, .tile-frozen, .notice').length === 0 &&
        window.__videocall.peers.every((one) => one.video?.height === 360),
      null, { timeout: 120_000 });
    await page.screenshot({ path: join(here, `call-${size}.png`) });
  }
}

try {
  if (folder) mkdirSync(folder, { recursive: true });
  const cameras = await films();
  const daemon = await Daemon.start();
  closers.push(() => daemon.stop());
  const others = [];
  for (let i = 1; i < NAMES.length; i++) {
    others.push(await Person.join(await browser(cameras[i]), daemon, 'weekly-planning', NAMES[i]));
  }
  const own = await browser(cameras[0]);
  if (folder) await lobby(own, daemon, everySize);
  const ada = await Person.join(own, daemon, 'weekly-planning', NAMES[0]);
  await moves(ada, others.length);
  // Only one speaks: the tones of the fake microphones would light all rings.
  for (const person of others.slice(1)) await person.page.click('[data-control="microphone"]');
  // What was said on arrival is gone by then.
  await ada.page.page.waitForTimeout(7_000);
  if (!folder) await readme(ada.page.page);
  else {
    await everySize(ada.page.page, 'call');
    for (const panel of ['chat', 'people', 'more']) {
      await ada.page.page.setViewportSize({ width: 1280, height: 800 });
      await ada.page.click(`[data-control="${panel}"]`);
      await everySize(ada.page.page, panel);
      await ada.page.page.keyboard.press('Escape');
    }
  }
} finally {
  for (const close of closers.reverse()) await close();
}
