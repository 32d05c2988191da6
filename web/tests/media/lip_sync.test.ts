// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { PersonClock } from "../../src/media/lip_sync";

/** Sound captured at c is heard at c + `delay`; reports every 50 ms. */
function hear(clock: PersonClock, fromMs: number, toMs: number, delay: number, jitter = 0) {
  for (let now = fromMs; now < toMs; now += 50) {
    const late = (now / 50) % 2 === 0 ? 0 : jitter;
    clock.audioAt(now - delay, now + late, now);
  }
}

describe("PersonClock", () => {
  it("shows pictures when their sound is heard", () => {
    const clock = new PersonClock();
    hear(clock, 1_000, 2_000, 150);
    expect(clock.dueMs(1_900, 2_000)).toBe(2_050);
    expect(clock.skewMs(1_900, 2_060)).toBe(10);
  });

  it("stays within 45 ms while the reports jitter and the delay changes", () => {
    const clock = new PersonClock();
    for (let now = 0; now < 10_000; now += 10) {
      // The jitter buffer grows from 60 to 140 ms and shrinks again.
      const delay = 100 + 40 * Math.sin(now / 2_000);
      if (now % 50 === 0) clock.audioAt(now - delay, now + (now % 100 === 0 ? 8 : 0), now);
      if (now < 500) continue;
      const due = clock.dueMs(now - delay, now);
      expect(Math.abs(due - now)).toBeLessThan(45);
    }
  });

  it("moves smoothly where it can, and jumps where it must", () => {
    const clock = new PersonClock();
    hear(clock, 0, 1_000, 100);
    clock.dueMs(0, 1_000);
    hear(clock, 1_000, 2_000, 200);
    expect(clock.dueMs(0, 1_033) - 100).toBeLessThan(10);
    hear(clock, 2_000, 3_000, 5_000);
    expect(clock.dueMs(0, 3_000)).toBe(5_000);
  });

  it("without sound, holds back as long as most frames need", () => {
    const clock = new PersonClock();
    for (let i = 0; i < 100; i++) {
      const captured = i * 33;
      clock.videoReady(captured, captured + 50 + (i % 5 === 0 ? 30 : 0));
    }
    const hold = clock.dueMs(3_300, 3_360) - 3_300;
    expect(hold).toBeGreaterThanOrEqual(50);
    expect(hold).toBeLessThanOrEqual(80);
    expect(clock.skewMs(3_300, 3_360)).toBeNull();
  });

  it("asks for more delay of the sound where pictures come later", () => {
    const clock = new PersonClock();
    for (let now = 0; now < 3_000; now += 20) clock.soundArrived(now - 30, now);
    for (let now = 0; now < 3_000; now += 33) clock.videoReady(now - 160, now);
    expect(clock.soundDelayMs).toBeGreaterThan(100);
    expect(clock.soundDelayMs).toBeLessThanOrEqual(130);
  });

  it("takes the burst at the start for what it is", () => {
    const clock = new PersonClock();
    for (let now = 0; now < 2_000; now += 20) clock.soundArrived(now - 30, now);
    // Two seconds of cached frames within 100 ms, then live ones.
    for (let i = 0; i < 60; i++) clock.videoReady(i * 33, 2_000 + i * 1.5);
    for (let i = 60; i < 90; i++) clock.videoReady(i * 33, i * 33 + 40);
    expect(clock.soundDelayMs).toBeLessThan(30);
  });
});
