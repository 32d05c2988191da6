// SPDX-License-Identifier: MIT
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { pictureFile, toneFile } from './media.mjs';

function deviceArgs(devices, toneHz) {
  const fake = '--use-fake-device-for-media-stream';
  if (devices === 'no camera') return ['--use-fake-ui-for-media-stream', `${fake}=device-count=0`];
  if (devices === 'denied') return [fake];
  return [
    '--use-fake-ui-for-media-stream',
    fake,
    `--use-file-for-fake-video-capture=${pictureFile()}`,
    `--use-file-for-fake-audio-capture=${toneFile(toneHz)}`,
  ];
}

// A Chromium with a fake camera and a microphone that plays |toneHz|; |devices|
// "denied": the person said no, "no camera": the machine has none.
export class Chromium {
  static async launch({ toneHz = 440, devices = 'allowed', args = [] } = {}) {
    const self = new Chromium();
    self.kind = 'chromium';
    self.profile = mkdtempSync(join(tmpdir(), 'videocall-chromium-'));
    self.context = await chromium.launchPersistentContext(self.profile, {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      viewport: { width: 1280, height: 720 },
      permissions: devices === 'denied' ? [] : ['camera', 'microphone'],
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--autoplay-policy=no-user-gesture-required',
        ...deviceArgs(devices, toneHz),
        ...args,
      ],
    });
    return self;
  }

  // Takes a class from the workers of all pages, as an older browser would.
  withoutInWorkers(name) {
    return this.context.route('**/assets/worker-*.js', async (route) => {
      const response = await route.fetch();
      const body = `delete self.${name};\n${await response.text()}`;
      await route.fulfill({ response, body });
    });
  }

  // Stops every process of the browser where it stands, as a laptop that is
  // closed does; and wakes them.
  sleep() {
    this.#signal('SIGSTOP');
  }
  wake() {
    this.#signal('SIGCONT');
  }

  #signal(name) {
    const children = new Map();
    for (const entry of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
      try {
        // "pid (name) state parent …", and the name may hold anything.
        const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
      } catch {
        // It is gone by now.
      }
    }
    const isOurs = (pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`--user-data-dir=${this.profile}`);
    const ours = (children.get(process.pid) ?? []).filter(isOurs);
    for (const pid of ours) {
      ours.push(...(children.get(pid) ?? [])); // the loop goes on over these
      process.kill(pid, name);
    }
  }

  // A page at |url| with its console kept in page.lines.
  async open(url) {
    const page = await this.context.newPage();
    page.lines = [];
    page.on('console', (message) => page.lines.push(message.text()));
    page.on('pageerror', (error) => page.lines.push(`error: ${error}`));
    await page.goto(url);
    return new ChromiumPage(page);
  }

  async close() {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}

// The few verbs that the tests need, the same for both browsers.
class ChromiumPage {
  constructor(page) {
    this.page = page;
  }
  get lines() {
    return this.page.lines;
  }
  evaluate(fn, arg) {
    return this.page.evaluate(fn, arg);
  }
  fill(selector, text) {
    return this.page.fill(selector, text);
  }
  click(selector) {
    return this.page.click(selector);
  }
  screenshot(path) {
    return this.page.screenshot({ path });
  }
  // What the page is told when another tab covers it; headless tabs never are.
  hide(hidden) {
    return this.page.evaluate((now) => {
      Object.defineProperty(document, 'hidden', { get: () => now, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  }
  resize(width, height) {
    return this.page.setViewportSize({ width, height });
  }
  close() {
    return this.page.close();
  }
}
