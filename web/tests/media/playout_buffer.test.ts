// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { FRAME_SAMPLES, PlayoutBuffer, SAMPLE_RATE } from "../../src/media/playout_buffer";

const TONE_HZ = 440;

function toneFrame(sequence: number, captureUs = sequence * 20_000) {
  const samples = new Float32Array(FRAME_SAMPLES);
  for (let i = 0; i < FRAME_SAMPLES; i++) {
    const n = sequence * FRAME_SAMPLES + i;
    samples[i] = 0.5 * Math.sin((2 * Math.PI * TONE_HZ * n) / SAMPLE_RATE);
  }
  return { sequence, captureUs, channels: [samples, samples.slice()] };
}

/** Pulls `ms` of sound; gives the left channel. */
function play(buffer: PlayoutBuffer, ms: number): Float32Array {
  const all = new Float32Array((ms * SAMPLE_RATE) / 1_000);
  for (let at = 0; at + 96 <= all.length; at += 96) {
    buffer.pull([all.subarray(at, at + 96), new Float32Array(96)]);
  }
  return all;
}

/** Frequency by counting upward zero crossings between the first and last. */
function frequency(samples: Float32Array): number {
  const crossings: number[] = [];
  for (let i = 1; i < samples.length; i++) {
    const a = samples[i - 1]!;
    const b = samples[i]!;
    if (a < 0 && b >= 0) crossings.push(i - b / (b - a));
  }
  const span = crossings.at(-1)! - crossings[0]!;
  return ((crossings.length - 1) * SAMPLE_RATE) / span;
}

function loudestStep(samples: Float32Array): number {
  let most = 0;
  for (let i = 1; i < samples.length; i++) {
    most = Math.max(most, Math.abs(samples[i]! - samples[i - 1]!));
  }
  return most;
}

/** Frames arrive one by one while the same time is played. */
function stream(buffer: PlayoutBuffer, from: number, count: number, skip: number[] = []) {
  const parts: number[] = [];
  for (let n = from; n < from + count; n++) {
    if (!skip.includes(n)) buffer.push(toneFrame(n));
    parts.push(...play(buffer, 20));
  }
  return Float32Array.from(parts);
}

describe("PlayoutBuffer", () => {
  it("is silent until its target is reached", () => {
    const buffer = new PlayoutBuffer();
    buffer.targetMs = 60;
    buffer.push(toneFrame(0));
    buffer.push(toneFrame(1));
    expect(buffer.pull([new Float32Array(128), new Float32Array(128)])).toBe(false);
    expect(buffer.positionUs).toBeNull();
    buffer.push(toneFrame(2));
    expect(buffer.pull([new Float32Array(128), new Float32Array(128)])).toBe(true);
  });

  it("plays what came in, and says when it was captured", () => {
    const buffer = new PlayoutBuffer();
    for (let n = 0; n < 3; n++) buffer.push(toneFrame(n, 7_000_000 + n * 20_000));
    const out = play(buffer, 8);
    expect(out[100]).toBeCloseTo(toneFrame(0).channels[0]![100]!, 6);
    expect(buffer.positionUs).toBeCloseTo(7_000_000 + 8_000, -1);
  });

  it("keeps the pitch and makes no step while it catches up", () => {
    const buffer = new PlayoutBuffer();
    for (let n = 0; n < 8; n++) buffer.push(toneFrame(n));
    const out = stream(buffer, 8, 200).subarray(SAMPLE_RATE / 10);
    expect(buffer.stats.shortened).toBeGreaterThan(3);
    expect(buffer.stats.bufferedMs).toBeLessThan(40 + 20 + 40);
    expect(frequency(out)).toBeCloseTo(TONE_HZ, 0);
    // A 440 Hz tone of this loudness never moves further in one sample.
    expect(loudestStep(out)).toBeLessThan(0.5 * 2 * Math.PI * (TONE_HZ / SAMPLE_RATE) * 1.3);
  });

  it("plays slower when the target rises", () => {
    const buffer = new PlayoutBuffer();
    stream(buffer, 0, 50);
    buffer.targetMs = 120;
    const out = stream(buffer, 50, 300);
    expect(buffer.stats.lengthened).toBeGreaterThan(2);
    expect(buffer.stats.bufferedMs).toBeGreaterThan(75);
    expect(frequency(out)).toBeCloseTo(TONE_HZ, 0);
  });

  it("fills a lost frame so that the tone goes on", () => {
    const buffer = new PlayoutBuffer();
    const out = stream(buffer, 0, 60, [30]).subarray(SAMPLE_RATE / 10);
    expect(buffer.stats.concealedMs).toBeGreaterThan(0);
    expect(buffer.stats.concealedMs).toBeLessThanOrEqual(40);
    expect(loudestStep(out)).toBeLessThan(0.1);
    const quietest = Math.min(
      ...Array.from({ length: 40 }, (_, i) =>
        Math.max(...out.subarray(i * FRAME_SAMPLES, (i + 1) * FRAME_SAMPLES)),
      ),
    );
    expect(quietest).toBeGreaterThan(0.25);
  });

  it("fades to silence when nothing comes, and starts again", () => {
    const buffer = new PlayoutBuffer();
    stream(buffer, 0, 20);
    const gap = play(buffer, 400);
    expect(Math.max(...gap.subarray(-FRAME_SAMPLES))).toBe(0);
    expect(buffer.positionUs).toBeNull();
    const again = stream(buffer, 20, 20);
    expect(Math.max(...again.subarray(-FRAME_SAMPLES))).toBeGreaterThan(0.4);
  });

  it("takes a pause of the sender for what it is", () => {
    const buffer = new PlayoutBuffer();
    stream(buffer, 0, 20);
    play(buffer, 1_000);
    const concealed = buffer.stats.concealedMs;
    // Muted for 10 s: the count goes on, the clock jumped.
    for (let n = 20; n < 24; n++) buffer.push(toneFrame(n, n * 20_000 + 10_000_000));
    play(buffer, 40);
    expect(buffer.stats.concealedMs).toBe(concealed);
    expect(buffer.positionUs).toBeGreaterThan(10_400_000);
  });

  it("drops a burst that is far too old to be played faster", () => {
    const buffer = new PlayoutBuffer();
    for (let n = 0; n < 100; n++) buffer.push(toneFrame(n));
    expect(buffer.stats.dropped).toBeGreaterThan(80);
    expect(buffer.stats.bufferedMs).toBeLessThanOrEqual(40 + 200 + 20);
  });

  it("ignores what was played already", () => {
    const buffer = new PlayoutBuffer();
    stream(buffer, 0, 20);
    const before = buffer.stats.bufferedMs;
    buffer.push(toneFrame(5));
    expect(buffer.stats.bufferedMs).toBe(before);
  });
});
