// SPDX-License-Identifier: MIT
// Sound made shorter or longer by whole periods of its own pitch, and gaps
// filled with its last period. All of it is pure and works on one or more
// channels of the same length that are cut at the same places.

export type Channels = Float32Array[];

/** Pitch is looked for between 66 and 400 Hz at 48 kHz. */
const MIN_LAG = 120;
const MAX_LAG = 720;
/** Coarse search runs on every fourth sample. */
const STEP = 4;
/** Below this likeness of two periods a cut would be heard. */
const MIN_LIKENESS = 0.6;
/** Below this mean square nothing is heard anyway. */
const SILENCE_POWER = 1e-6;

/** How much sound the two changes need to find a period in. */
export const STRETCH_SAMPLES = 2 * MAX_LAG + 480;

export interface Period {
  lag: number;
  /** -1…1: how like the next period is to this one; 1 for silence. */
  likeness: number;
}

/** The lag at which `samples` from `start` on repeat themselves best. */
export function findPeriod(samples: Float32Array, start = 0): Period {
  const room = samples.length - start - MAX_LAG;
  const length = Math.min(room, MAX_LAG);
  if (length < MIN_LAG) return { lag: 0, likeness: -1 };
  if (power(samples, start, length) < SILENCE_POWER) {
    return { lag: MIN_LAG * 2, likeness: 1 };
  }
  let best: Period = { lag: MIN_LAG, likeness: -1 };
  for (let lag = MIN_LAG; lag <= MAX_LAG; lag += STEP) {
    const likeness = likenessAt(samples, start, lag, length, STEP);
    if (likeness > best.likeness) best = { lag, likeness };
  }
  const coarse = best.lag;
  best = { lag: coarse, likeness: likenessAt(samples, start, coarse, length, 1) };
  for (let lag = coarse - STEP + 1; lag < coarse + STEP; lag++) {
    if (lag < MIN_LAG || lag > MAX_LAG) continue;
    const likeness = likenessAt(samples, start, lag, length, 1);
    if (likeness > best.likeness) best = { lag, likeness };
  }
  return best;
}

/** Leaves one period out; null where that would be heard. */
export function shorten(channels: Channels): Channels | null {
  const { lag, likeness } = findPeriod(mono(channels));
  if (likeness < MIN_LIKENESS) return null;
  return channels.map((x) => {
    const y = new Float32Array(x.length - lag);
    for (let i = 0; i < lag; i++) y[i] = blend(x[i]!, x[i + lag]!, i / lag);
    y.set(x.subarray(2 * lag), lag);
    return y;
  });
}

/** Puts one period in twice; null where that would be heard. */
export function lengthen(channels: Channels): Channels | null {
  const { lag, likeness } = findPeriod(mono(channels));
  if (likeness < MIN_LIKENESS) return null;
  return channels.map((x) => {
    const y = new Float32Array(x.length + lag);
    y.set(x.subarray(0, lag));
    for (let i = 0; i < lag; i++) y[lag + i] = blend(x[lag + i]!, x[i]!, i / lag);
    y.set(x.subarray(lag), 2 * lag);
    return y;
  });
}

/**
 * Goes on where `history` ends: its last period again and again, fading out
 * over `fadeSamples` counted from `elapsed` samples into the gap.
 */
export function conceal(
  history: Channels,
  count: number,
  elapsed: number,
  fadeSamples: number,
): Channels {
  const reversed = Float32Array.from(mono(history)).reverse();
  const lag = findPeriod(reversed).lag || MAX_LAG;
  return history.map((x) => {
    const y = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      const gain = Math.max(0, 1 - (elapsed + i) / fadeSamples);
      y[i] = gain * x[x.length - lag + ((elapsed + i) % lag)]!;
    }
    return y;
  });
}

/** Goes from the end of what was made up into what is real. */
export function crossfade(from: Channels, into: Channels, samples: number): void {
  into.forEach((channel, c) => {
    for (let i = 0; i < samples; i++) {
      channel[i] = blend(from[c]![i]!, channel[i]!, i / samples);
    }
  });
}

function blend(a: number, b: number, weight: number): number {
  return a + (b - a) * weight;
}

function mono(channels: Channels): Float32Array {
  const [left, right] = channels;
  if (!right) return left!;
  return left!.map((sample, i) => (sample + right[i]!) / 2);
}

function power(samples: Float32Array, start: number, length: number): number {
  let sum = 0;
  for (let i = start; i < start + length; i += STEP) sum += samples[i]! ** 2;
  return (sum * STEP) / length;
}

function likenessAt(
  samples: Float32Array,
  start: number,
  lag: number,
  length: number,
  step: number,
): number {
  let cross = 0;
  let a = 0;
  let b = 0;
  for (let i = start; i < start + length; i += step) {
    const x = samples[i]!;
    const y = samples[i + lag]!;
    cross += x * y;
    a += x * x;
    b += y * y;
  }
  return cross / Math.sqrt(a * b + 1e-12);
}
