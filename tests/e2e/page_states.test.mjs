// SPDX-License-Identifier: MIT
// What the page says where something is missing, and that one can join all the
// same.
import assert from 'node:assert/strict';

import { Person, until } from './support/call.mjs';
import { Chromium } from './support/chromium.mjs';
import { scenario } from './support/cleanup.mjs';
import { Daemon } from './support/daemon.mjs';

const text = (page, selector) =>
  page.evaluate((one) => document.querySelector(one)?.textContent ?? '', selector);

for (const { devices, says } of [
  { devices: 'denied', says: /told not to let this page use.*icon left of the address/ },
  { devices: 'no camera', says: /No camera was found/ },
]) {
  scenario(`devices ${devices}: the lobby says so, and one joins without`, async (later) => {
    const daemon = later(await Daemon.start(), (d) => d.stop());
    const browser = later(await Chromium.launch({ devices }));
    const page = await browser.open(daemon.meeting('without'));
    await until(
      async () => `a trouble; there is ${await text(page, '.lobby')}`,
      async () => says.test(await text(page, '.trouble')),
    );
    assert.equal(/without/i.test(await text(page, '.lobby-join')), devices === 'denied');
    const anna = await Person.join(browser, daemon, 'without', 'Anna');
    const other = later(await Chromium.launch({ toneHz: 660 }));
    await Person.join(other, daemon, 'without', 'Ben');
    await Promise.all([anna.seesClockOf('Ben'), anna.hears('Ben', 660)]);
  });
}

scenario('a browser without WebCodecs is told which have it', async (later) => {
  const daemon = later(await Daemon.start(), (d) => d.stop());
  const browser = later(await Chromium.launch());
  await browser.withoutInWorkers('VideoDecoder');
  const page = await browser.open(daemon.meeting('old'));
  await page.fill('#name', 'Anna');
  await page.click('.lobby-join');
  await until(
    async () => `the end; there is ${await text(page, '#app')}`,
    async () => /cannot join.*Chrome, Edge, Firefox and Safari/.test(await text(page, '.call-over')),
  );
});
