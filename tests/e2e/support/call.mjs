// SPDX-License-Identifier: MIT
// A person in a meeting: a page of a browser, and what it sees and hears of the
// others. Facts come from window.__videocall (web/src/state/diagnostics.ts),
// pictures from the canvas that shows a person, tones from what is played.
import { within } from './cleanup.mjs';
import { readClock } from './clock.mjs';

// Five times what is usual on a busy machine: bounds of tests are generous.
const PATIENCE_MS = 60_000;

export async function until(what, probe, timeoutMs = PATIENCE_MS) {
  const deadline = Date.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      const value = await within(timeoutMs, 'asking', probe());
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      const why =
        typeof what === 'function'
          ? await within(10_000, 'describing', what()).catch(String)
          : what;
      throw new Error(`not within ${timeoutMs} ms: ${why} (last: ${last})`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export class Person {
  // Goes through the lobby as a person would.
  static async join(browser, daemon, meeting, name) {
    const person = new Person();
    person.name = name;
    person.page = await browser.open(daemon.meeting(meeting));
    await person.page.fill('#name', name);
    await person.page.click('.lobby-join');
    await person.waitForPhase('connected');
    return person;
  }

  facts() {
    return this.page.evaluate(() => {
      const v = window.__videocall;
      return {
        sessionId: v.sessionId,
        phase: v.phase,
        transport: v.transport,
        rttMs: v.rttMs,
        members: v.members,
        peers: v.peers,
        sending: v.sending,
        sound: v.sound,
      };
    });
  }

  async describe() {
    const facts = await this.facts().catch((error) => String(error));
    return `${this.name} has ${JSON.stringify(facts)}; console:\n${this.page.lines.join('\n')}`;
  }

  waitForPhase(phase) {
    return until(
      async () => `phase ${phase}: ${await this.describe()}`,
      async () => (await this.facts()).phase === phase,
    );
  }

  // The session id of the member called |name|, once it is there.
  async find(name) {
    return until(
      async () => `member ${name}: ${await this.describe()}`,
      async () =>
        (await this.facts()).members.find((m) => m.displayName === name)
          ?.sessionId,
    );
  }

  waitUntilGone(name) {
    return until(
      async () => `${name} gone: ${await this.describe()}`,
      async () =>
        !(await this.facts()).members.some((m) => m.displayName === name),
    );
  }

  // The picture of |sessionId| as {width, height, data}; null without one.
  async picture(sessionId) {
    const picture = await this.page.evaluate(async (id) => {
      const pixels = await window.__videocall.pixels(id);
      if (!pixels) return null;
      // Base64, since a typed array is slow to carry over.
      let text = '';
      const { data } = pixels;
      for (let i = 0; i < data.length; i += 0x8000)
        text += String.fromCharCode.apply(null, data.subarray(i, i + 0x8000));
      return { width: pixels.width, height: pixels.height, data: btoa(text) };
    }, sessionId);
    if (!picture) return null;
    return { ...picture, data: Buffer.from(picture.data, 'base64') };
  }

  // The machine-readable clock in |sessionId|'s picture, {frame, timeUs}.
  async clock(sessionId) {
    const picture = await this.picture(sessionId);
    return picture && readClock(picture);
  }

  // Sees |name| move: the frame counter in the picture changes, |times| over.
  async seesClockOf(name, times = 5) {
    const id = await this.find(name);
    const seen = new Set();
    await until(
      async () => `clock of ${name} advancing, saw ${[...seen]}: ${await this.describe()}`,
      async () => {
        const clock = await this.clock(id);
        if (clock) seen.add(clock.frame);
        return seen.size >= times;
      },
    );
    return id;
  }

  // Sees |name|'s picture change colour, |times| over: Firefox's fake camera.
  async seesColourOf(name, times = 3) {
    const id = await this.find(name);
    const seen = new Set();
    await until(
      async () => `colour of ${name} changing, saw ${[...seen]}: ${await this.describe()}`,
      async () => {
        const picture = await this.picture(id);
        if (picture) {
          const at = 4 * (picture.width * 8 + 8);
          seen.add(picture.data.subarray(at, at + 3).join());
        }
        return seen.size >= times;
      },
    );
    return id;
  }

  // Hears |name| at |hz| within 10 Hz.
  async hears(name, hz) {
    const id = await this.find(name);
    const heard = [];
    await until(
      async () => `tone of ${name} at ${hz} Hz, heard ${heard.slice(-20)}: ${await this.describe()}`,
      async () => {
        const tone = await this.page.evaluate(
          (session) => window.__videocall.frequency(session),
          id,
        );
        if (tone) heard.push(`${Math.round(tone.hz)}@${Math.round(tone.db)}`);
        return tone && tone.db > -70 && Math.abs(tone.hz - hz) <= 10;
      },
    );
    return id;
  }
}
