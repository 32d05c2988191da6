// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import puppeteer from 'puppeteer-core';

import { Process } from './process.mjs';

// Firefox starts no AudioContext without an audio device: a PulseAudio of our
// own with a null sink serves it.
async function startPulse(directory) {
  const socket = join(directory, 'pulse.socket');
  const pulse = new Process(
    'pulseaudio',
    [
      '-n', '--daemonize=no', '--exit-idle-time=-1', '--use-pid-file=no',
      '--disallow-exit', '-vv',
      '-L', 'module-null-sink sink_name=nothing',
      '-L', `module-native-protocol-unix auth-anonymous=1 socket=${socket}`,
    ],
    { env: { HOME: directory, XDG_RUNTIME_DIR: directory } },
  );
  await pulse.waitFor(/Loaded "module-native-protocol-unix"/);
  return { pulse, server: `unix:${socket}` };
}

// A Firefox with its own fake camera (a field of changing colour) and a fake
// microphone that plays |toneHz|.
export class Firefox {
  static async launch({ toneHz = 880 } = {}) {
    const self = new Firefox();
    self.kind = 'firefox';
    self.directory = mkdtempSync(join(tmpdir(), 'videocall-firefox-'));
    const { pulse, server } = await startPulse(self.directory);
    self.pulse = pulse;
    self.browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
      headless: true,
      env: { ...process.env, HOME: self.directory, PULSE_SERVER: server },
      extraPrefsFirefox: {
        'media.navigator.streams.fake': true,
        'media.navigator.permission.disabled': true,
        'media.navigator.audio.fake_frequency': toneHz,
        'media.autoplay.default': 0,
        'media.autoplay.blocking_policy': 0,
        'datareporting.policy.dataSubmissionEnabled': false,
        'app.update.enabled': false,
        'network.captive-portal-service.enabled': false,
        'network.connectivity-service.enabled': false,
      },
    });
    return self;
  }

  async open(url) {
    const page = await this.browser.newPage();
    await page.setViewport({ width: 1280, height: 720 });
    page.lines = [];
    page.on('console', (message) => page.lines.push(message.text()));
    page.on('pageerror', (error) => page.lines.push(`error: ${error}`));
    await page.goto(url);
    return new FirefoxPage(page);
  }

  async close() {
    await this.browser.close();
    await this.pulse.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

class FirefoxPage {
  constructor(page) {
    this.page = page;
  }
  get lines() {
    return this.page.lines;
  }
  evaluate(fn, arg) {
    return this.page.evaluate(fn, arg);
  }
  async fill(selector, text) {
    await this.page.waitForSelector(selector);
    await this.page.click(selector, { clickCount: 3 });
    await this.page.keyboard.press('Backspace');
    await this.page.type(selector, text);
  }
  async click(selector) {
    await this.page.waitForSelector(selector);
    await this.page.click(selector);
  }
  screenshot(path) {
    return this.page.screenshot({ path });
  }
  resize(width, height) {
    return this.page.setViewport({ width, height });
  }
  close() {
    return this.page.close();
  }
}
