// SPDX-License-Identifier: MIT
// Which simulcast layers of a camera or a screen to encode, and at what: by
// what viewers want, what the network takes and what this machine can do. Pure.

/** One layer at its best. */
export interface LayerSpec {
  /** Of the picture's shorter side, in pixels. */
  height: number;
  fps: number;
  kbps: number;
  /** Below this it is not worth having beside a lower one. */
  minKbps: number;
}

/** From the lowest up; the index is the layer's number on the wire. */
export const CAMERA: readonly LayerSpec[] = [
  { height: 180, fps: 30, kbps: 150, minKbps: 90 },
  { height: 360, fps: 30, kbps: 550, minKbps: 250 },
  { height: 720, fps: 30, kbps: 1_500, minKbps: 700 },
];
export const SCREEN: readonly LayerSpec[] = [
  { height: 720, fps: 5, kbps: 400, minKbps: 150 },
  { height: 1_080, fps: 15, kbps: 2_000, minKbps: 500 },
];

/** A frame that takes longer to encode at 360p leaves no room for 720p. */
const FAST_ENCODE_MS = 4;
/** With fewer cores a 720p picture is paid for with everything else. */
const CORES_FOR_HD = 4;

/** The highest layer to try on this machine; `encodeMs` is what 360p takes. */
export function highestLayer(cores: number, encodeMs: number): number {
  return cores >= CORES_FOR_HD && encodeMs <= FAST_ENCODE_MS ? 2 : 1;
}

/** A layer is this much larger than the one below, or it is left out. */
const WORTH_MORE = 1.25;
/** No picture is made smaller than this. */
const LEAST_HEIGHT = 120;
const LEAST_FPS = 3;
/** How a layer that does not fit is shaped; below half it hardly is one. */
const SCALES = [1, 0.75, 0.5] as const;
/** Shares of a layer's bitrate from which it is made smaller. */
const SHRINK_AT = [0.5, 0.3] as const;

export interface LayerPlan {
  layer: number;
  height: number;
  fps: number;
  kbps: number;
}

export interface Circumstances {
  /** The picture's shorter side as it is captured. */
  sourceHeight: number;
  /** Layers that anybody looks at; null: not told, so all. */
  wanted: readonly number[] | null;
  /** The highest layer that this machine is to try. */
  maxLayer: number;
  /** What the network takes of this track. */
  budgetKbps: number;
  /** How often the machine was found too slow: 0 not at all. */
  overload: number;
  /** Text: sharpness before motion. */
  still: boolean;
}

interface Candidate extends LayerPlan {
  spec: LayerSpec;
}

/** From the lowest up; empty if nobody looks. */
export function planLayers(specs: readonly LayerSpec[], now: Circumstances): LayerPlan[] {
  const all = available(specs, now.sourceHeight, now.maxLayer);
  const chosen = shed(pick(all, now.wanted), now.overload);
  const fitting = fit(chosen, now.budgetKbps);
  return fitting.map((one, i) => shape(one, fitting[i - 1]?.height ?? 0, now.still));
}

/** What all layers that are wanted take at their best. */
export function wantedKbps(specs: readonly LayerSpec[], now: Circumstances): number {
  const all = available(specs, now.sourceHeight, now.maxLayer);
  return pick(all, now.wanted).reduce((sum, one) => sum + one.kbps, 0);
}

/** The layers that a picture of this size has; none is enlarged. */
function available(
  specs: readonly LayerSpec[],
  sourceHeight: number,
  maxLayer: number,
): Candidate[] {
  const layers: Candidate[] = [];
  for (const [layer, spec] of specs.entries()) {
    const below = specs[layer - 1]?.height ?? 0;
    if (layer > 0 && (layer > maxLayer || sourceHeight < below * WORTH_MORE)) break;
    const height = Math.min(spec.height, sourceHeight);
    const kbps = Math.round(spec.kbps * Math.min(1, (height / spec.height) ** 1.5));
    layers.push({ layer, height, fps: spec.fps, kbps, spec });
  }
  return layers;
}

function pick(all: Candidate[], wanted: readonly number[] | null): Candidate[] {
  if (!wanted) return all;
  const chosen = all.filter((one) => wanted.includes(one.layer));
  // Only higher ones are wanted than there are: the highest is nearest.
  return chosen.length === 0 && wanted.length > 0 ? all.slice(-1) : chosen;
}

/** Shrinks the highest layer step by step and then does without it. */
function shed(chosen: Candidate[], overload: number): Candidate[] {
  const kept = [...chosen];
  let top = kept.pop();
  if (!top) return [];
  let best = top.height;
  let scale = 0;
  for (let step = 0; step < overload; step++) {
    const below = kept.at(-1);
    const smaller = scaled(best, SCALES[++scale] ?? 0);
    if (scale < SCALES.length && (!below || smaller >= below.height * WORTH_MORE)) {
      top = { ...top, height: smaller };
    } else if (below) {
      top = kept.pop()!;
      best = top.height;
      scale = 0;
    } else break;
  }
  return [...kept, top];
}

/** What each gets of the budget: all their least from below, then the rest. */
function fit(chosen: Candidate[], budgetKbps: number): Candidate[] {
  let left = budgetKbps;
  const fitting: Candidate[] = [];
  for (const one of chosen) {
    const least = Math.min(one.spec.minKbps, one.kbps);
    // The lowest is sent, however little there is for it.
    if (fitting.length > 0 && left < least) break;
    fitting.push({ ...one, kbps: Math.min(least, Math.max(left, least / 3)) });
    left -= least;
  }
  for (const [i, one] of fitting.entries()) {
    const more = Math.max(0, Math.min(left, chosen[i]!.kbps - one.kbps));
    one.kbps += more;
    left -= more;
  }
  return fitting;
}

/** A camera gives up size for its frame rate, a screen the other way round. */
function shape(one: Candidate, below: number, still: boolean): LayerPlan {
  const share = one.kbps / one.spec.kbps;
  const plan = { layer: one.layer, height: one.height, fps: one.fps, kbps: Math.round(one.kbps) };
  if (still) {
    if (share < SHRINK_AT[0]) plan.fps = Math.max(LEAST_FPS, Math.round((one.fps * share) / SHRINK_AT[0]));
    return plan;
  }
  const step = SHRINK_AT.filter((limit) => share < limit).length;
  const height = scaled(one.height, SCALES[step]!);
  if (height > below * WORTH_MORE) plan.height = height;
  return plan;
}

function scaled(height: number, scale: number): number {
  return Math.max(Math.min(height, LEAST_HEIGHT), Math.round(height * scale));
}

/** The size to encode a picture at: never enlarged, even numbers. */
export function encodedSize(
  width: number,
  height: number,
  targetHeight: number,
): { width: number; height: number } {
  const scale = Math.min(1, targetHeight / Math.min(width, height));
  const even = (length: number) => Math.max(2, Math.round((length * scale) / 2) * 2);
  return { width: even(width), height: even(height) };
}
