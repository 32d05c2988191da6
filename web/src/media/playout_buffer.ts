// SPDX-License-Identifier: MIT
// What stands between the packets of one voice and the loudspeaker: holds back
// as much sound as the jitter needs, plays a little faster or slower to keep
// to that, and fills gaps. Runs in the audio worklet; pure, no clock.
import {
  STRETCH_SAMPLES,
  conceal,
  crossfade,
  lengthen,
  shorten,
  type Channels,
} from "./stretch";

export const SAMPLE_RATE = 48_000;
export const FRAME_SAMPLES = 960;
const CHANNELS = 2;
const SAMPLES_PER_MS = SAMPLE_RATE / 1_000;
/** More than this above the target is dropped, not played faster. */
const OVERFLOW_MS = 200;
/** How far the level may stray before the speed changes. */
const TOO_MUCH_MS = 20;
const TOO_LITTLE_MS = 20;
/** A gap is filled for so long, fading; then it is silence. */
const CONCEAL_MS = 80;
const CROSSFADE_SAMPLES = 240;
const HISTORY_SAMPLES = STRETCH_SAMPLES;
/** The level is smoothed over about this many frames. */
const SMOOTHING = 0.06;

/** One decoded frame of 20 ms. */
export interface SoundFrame {
  sequence: number;
  captureUs: number;
  channels: Channels;
}

export interface PlayoutStats {
  bufferedMs: number;
  targetMs: number;
  concealedMs: number;
  shortened: number;
  lengthened: number;
  dropped: number;
}

export class PlayoutBuffer {
  private queue: SoundFrame[] = [];
  private ready: Channels = emptySound();
  private history: Channels = [0, 1].map(() => new Float32Array(HISTORY_SAMPLES));
  /** false: silence until the target is reached. */
  private playing = false;
  private gapSamples = 0;
  private smoothedMs = 0;
  private target = 40;
  private nextSequence = -1;
  /** Capture time of the sample after the last one in `ready`. */
  private readyEndUs = 0;
  private counts = { concealed: 0, shortened: 0, lengthened: 0, dropped: 0 };

  set targetMs(ms: number) {
    this.target = ms;
  }

  /** Frames come in order of sequence; what is older than played is dropped. */
  push(frame: SoundFrame): void {
    const newest = this.queue.at(-1)?.sequence ?? this.nextSequence - 1;
    if (frame.sequence <= newest) {
      // A sender that started anew counts from somewhere else.
      if (newest - frame.sequence < 500) return;
      this.queue = [];
    }
    this.queue.push(frame);
    if (this.levelMs() > this.target + OVERFLOW_MS) this.skipToTarget();
  }

  /** Fills each of `out` (equal lengths); true if it is sound, false: silence. */
  pull(out: Channels): boolean {
    const count = out[0]!.length;
    while (this.ready[0]!.length < count && this.produce()) {}
    if (this.ready[0]!.length < count) {
      for (const channel of out) channel.fill(0);
      return false;
    }
    out.forEach((channel, c) => channel.set(this.ready[c % CHANNELS]!.subarray(0, count)));
    this.ready = this.ready.map((x) => x.subarray(count));
    return true;
  }

  /** The capture time that the next sample out has; null while silent. */
  get positionUs(): number | null {
    if (!this.playing || this.gapSamples > 0) return null;
    return this.readyEndUs - (this.ready[0]!.length / SAMPLES_PER_MS) * 1_000;
  }

  get stats(): PlayoutStats {
    return {
      bufferedMs: this.levelMs(),
      targetMs: this.target,
      concealedMs: this.counts.concealed / SAMPLES_PER_MS,
      shortened: this.counts.shortened,
      lengthened: this.counts.lengthened,
      dropped: this.counts.dropped,
    };
  }

  /** Adds to `ready`; false when there is nothing to add. */
  private produce(): boolean {
    if (!this.playing) {
      if (this.levelMs() < this.target) return false;
      this.playing = true;
      this.smoothedMs = this.levelMs();
      this.nextSequence = this.queue[0]!.sequence;
    }
    const head = this.queue[0];
    if (!head) return this.bridge();
    const missing = head.sequence - this.nextSequence;
    if (missing > 0 && missing <= CONCEAL_MS / 20 && this.isLoss(head, missing)) {
      this.nextSequence++;
      return this.bridge();
    }
    this.nextSequence = head.sequence;
    this.play();
    return true;
  }

  /** A pause of the sender moves its clock further than its count. */
  private isLoss(head: SoundFrame, missing: number): boolean {
    const gapUs = head.captureUs - this.readyEndUs;
    return gapUs < (missing + 2) * 20_000;
  }

  private play(): void {
    this.smoothedMs += (this.levelMs() - this.smoothedMs) * SMOOTHING;
    const excess = this.smoothedMs - this.target;
    let sound: Channels;
    if (excess > TOO_MUCH_MS && this.levelMs() > this.target) {
      sound = this.changeSpeed(shorten, "shortened");
    } else if (excess < -TOO_LITTLE_MS) {
      sound = this.changeSpeed(lengthen, "lengthened");
    } else {
      sound = this.take(1);
    }
    if (this.gapSamples > 0) this.leaveGap(sound);
    this.append(sound);
  }

  private changeSpeed(
    change: (sound: Channels) => Channels | null,
    count: "shortened" | "lengthened",
  ): Channels {
    const frames = Math.ceil(STRETCH_SAMPLES / FRAME_SAMPLES);
    if (this.contiguous() < frames) return this.take(1);
    const sound = this.take(frames);
    const changed = change(sound);
    if (!changed) return sound;
    this.counts[count]++;
    const differenceMs = (changed[0]!.length - sound[0]!.length) / SAMPLES_PER_MS;
    this.smoothedMs += differenceMs;
    return changed;
  }

  private contiguous(): number {
    let count = 1;
    while (
      count < this.queue.length &&
      this.queue[count]!.sequence === this.queue[0]!.sequence + count
    ) {
      count++;
    }
    return this.queue.length === 0 ? 0 : count;
  }

  private take(count: number): Channels {
    const frames = this.queue.splice(0, count);
    const last = frames.at(-1)!;
    this.nextSequence = last.sequence + 1;
    this.readyEndUs = last.captureUs + 20_000;
    return frames.map((frame) => frame.channels).reduce(join, emptySound());
  }

  /** Made-up sound where there is none; false once it has faded away. */
  private bridge(): boolean {
    const fade = CONCEAL_MS * SAMPLES_PER_MS;
    if (this.gapSamples >= fade) {
      this.playing = false;
      this.gapSamples = 0;
      this.history = this.history.map(() => new Float32Array(HISTORY_SAMPLES));
      return false;
    }
    const count = FRAME_SAMPLES / 2;
    const made = conceal(this.history, count, this.gapSamples, fade);
    this.ready = join(this.ready, made);
    this.gapSamples += count;
    this.counts.concealed += count;
    return true;
  }

  private leaveGap(sound: Channels): void {
    const fade = CONCEAL_MS * SAMPLES_PER_MS;
    const tail = conceal(this.history, CROSSFADE_SAMPLES, this.gapSamples, fade);
    crossfade(tail, sound, CROSSFADE_SAMPLES);
    this.gapSamples = 0;
  }

  private append(sound: Channels): void {
    this.ready = join(this.ready, sound);
    this.history = this.history.map((old, c) =>
      join([old], [sound[c]!])[0]!.slice(-HISTORY_SAMPLES),
    );
  }

  private skipToTarget(): void {
    while (this.queue.length > 1 && this.levelMs() > this.target) {
      this.queue.shift();
      this.counts.dropped++;
    }
    this.nextSequence = this.queue[0]!.sequence;
    this.smoothedMs = this.levelMs();
  }

  private levelMs(): number {
    return this.queue.length * 20 + this.ready[0]!.length / SAMPLES_PER_MS;
  }
}

function emptySound(): Channels {
  return [new Float32Array(0), new Float32Array(0)];
}

function join(a: Channels, b: Channels): Channels {
  return a.map((x, c) => {
    const y = new Float32Array(x.length + b[c]!.length);
    y.set(x);
    y.set(b[c]!, x.length);
    return y;
  });
}
