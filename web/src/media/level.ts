// SPDX-License-Identifier: MIT
// How loud a frame is, and whether somebody speaks in it.

/** RFC 6464: 0 is full scale, 127 is silence; one step is one decibel. */
export function audioLevel(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const power = samples.length > 0 ? sum / samples.length : 0;
  if (power <= 1e-13) return 127;
  return Math.min(127, Math.max(0, Math.round(-10 * Math.log10(power))));
}

/** Louder than this and clearly above the room's noise counts as speech. */
const QUIETEST_SPEECH = 55;
const ABOVE_NOISE_DB = 9;
const ATTACK_FRAMES = 3;
const HOLD_FRAMES = 25;
/** Noise may rise by a decibel in this many frames (half a second). */
const NOISE_RISE_FRAMES = 25;
/** Sound that never pauses, such as a tone or music, still counts. */
const LOUDEST_NOISE = 45;

/** Fed with one level per 20 ms frame. */
export class SpeakingDetector {
  private noise = 90;
  private risen = 0;
  private loud = 0;
  private hold = 0;

  push(level: number): boolean {
    if (level > this.noise) {
      this.noise = level;
      this.risen = 0;
    } else if (++this.risen >= NOISE_RISE_FRAMES && this.noise > LOUDEST_NOISE) {
      this.noise--;
      this.risen = 0;
    }
    const speech = level <= QUIETEST_SPEECH && level <= this.noise - ABOVE_NOISE_DB;
    this.loud = speech ? this.loud + 1 : 0;
    if (this.loud >= ATTACK_FRAMES) this.hold = HOLD_FRAMES;
    else if (this.hold > 0) this.hold--;
    return this.hold > 0;
  }
}
