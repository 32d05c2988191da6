// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { CaptureClock } from "../../src/media/capture_clock";

describe("CaptureClock", () => {
  it("takes the jitter of arrivals out", () => {
    const clock = new CaptureClock();
    const mapped: number[] = [];
    for (let n = 0; n < 200; n++) {
      const timestamp = 5_000_000 + n * 20_000;
      mapped.push(clock.map(timestamp, n * 20_000 + 3_000 + (n % 7) * 1_000));
    }
    const steps = mapped.slice(50).map((time, i) => time - mapped[49 + i]!);
    expect(Math.max(...steps)).toBe(20_000);
    expect(Math.min(...steps)).toBe(20_000);
  });

  it("puts two tracks on one clock", () => {
    const sound = new CaptureClock();
    const picture = new CaptureClock();
    for (let n = 0; n < 100; n++) {
      sound.map(n * 20_000, 1_000_000 + n * 20_000);
      picture.map(77_000_000 + n * 20_000, 1_000_000 + n * 20_000);
    }
    const at = 1_000_000 + 100 * 20_000;
    expect(sound.map(100 * 20_000, at)).toBe(picture.map(77_000_000 + 100 * 20_000, at));
  });

  it("always moves forward, also when a track starts anew", () => {
    const clock = new CaptureClock();
    const before = clock.map(50_000_000, 1_000_000);
    const after = clock.map(0, 1_020_000);
    expect(after).toBeGreaterThan(before);
    expect(after).toBe(1_020_000);
    expect(clock.map(0, 1_020_000)).toBe(1_020_001);
  });

  it("follows a clock that runs slow", () => {
    const clock = new CaptureClock();
    let mapped = 0;
    for (let n = 0; n < 60_000; n++) {
      // 200 ppm slow for 20 minutes: 240 ms in all.
      mapped = clock.map(n * 20_000 * (1 - 0.0002), n * 20_000);
    }
    expect(Math.abs(mapped - 59_999 * 20_000)).toBeLessThan(3_000);
  });
});
