// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { pictureFile, toneFile } from './media.mjs';

// A Chromium with a fake camera and a microphone that plays |toneHz|.
export class Chromium {
  static async launch({ toneHz = 440, args = [] } = {}) {
    const self = new Chromium();
    self.kind = 'chromium';
    self.profile = mkdtempSync(join(tmpdir(), 'videocall-chromium-'));
    self.context = await chromium.launchPersistentContext(self.profile, {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      viewport: { width: 1280, height: 720 },
      permissions: ['camera', 'microphone'],
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--autoplay-policy=no-user-gesture-required',
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
        `--use-file-for-fake-video-capture=${pictureFile()}`,
        `--use-file-for-fake-audio-capture=${toneFile(toneHz)}`,
        ...args,
      ],
    });
    return self;
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
  resize(width, height) {
    return this.page.setViewportSize({ width, height });
  }
  close() {
    return this.page.close();
  }
}
