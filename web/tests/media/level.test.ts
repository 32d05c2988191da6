// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { SpeakingDetector, audioLevel } from "../../src/media/level";

function sine(amplitude: number): Float32Array {
  return Float32Array.from({ length: 960 }, (_, i) => amplitude * Math.sin((i * Math.PI) / 24));
}

describe("audioLevel", () => {
  it("is 127 for silence and 0 for full scale", () => {
    expect(audioLevel(new Float32Array(960))).toBe(127);
    expect(audioLevel(new Float32Array(960).fill(1))).toBe(0);
  });

  it("counts decibels below full scale", () => {
    expect(audioLevel(sine(1))).toBe(3);
    expect(audioLevel(sine(0.1))).toBe(23);
    expect(audioLevel(sine(0.001))).toBe(63);
  });
});

describe("SpeakingDetector", () => {
  const run = (detector: SpeakingDetector, levels: number[]) =>
    levels.map((level) => detector.push(level)).at(-1)!;

  it("hears speech above the room's noise, and holds it over pauses", () => {
    const detector = new SpeakingDetector();
    expect(run(detector, Array(100).fill(70))).toBe(false);
    expect(run(detector, [30, 30])).toBe(false);
    expect(run(detector, [30])).toBe(true);
    expect(run(detector, Array(20).fill(70))).toBe(true);
    expect(run(detector, Array(10).fill(70))).toBe(false);
  });

  it("gets used to a steady noise", () => {
    const detector = new SpeakingDetector();
    expect(run(detector, Array(2_000).fill(50))).toBe(false);
    expect(run(detector, Array(5).fill(30))).toBe(true);
  });

  it("still counts a loud sound that never pauses", () => {
    const detector = new SpeakingDetector();
    run(detector, Array(100).fill(80));
    expect(run(detector, Array(3_000).fill(20))).toBe(true);
  });
});
