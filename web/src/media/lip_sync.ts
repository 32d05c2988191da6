// SPDX-License-Identifier: MIT
// When a captured moment of one person is due on our screen. Sound leads: the
// picture waits for it or hurries after it. All times in ms; "offset" is our
// clock minus the sender's capture clock.

/** Reports of the sound's position older than this say nothing. */
const AUDIO_STALE_MS = 600;
const AUDIO_REPORTS = 8;
/** Without sound: the fastest frames' way, and so much for the slower ones. */
const VIDEO_SLOTS = 5;
const VIDEO_SLOT_MS = 2_000;
const VIDEO_JITTER_QUANTILE = 0.9;
const VIDEO_MAX_HOLD_MS = 100;
/** The offset moves by at most so many ms per ms, so motion stays smooth… */
const SLEW = 0.1;
/** …unless it is this far off. */
const JUMP_MS = 400;

/** The sound waits for late pictures, but no longer than this in all. */
const MAX_SOUND_DELAY_MS = 200;
/** Nobody notices a picture that is this late. */
const TOLERANCE_MS = 20;
/** Frames that follow each other this much faster than captured catch up. */
const CATCHING_UP = 0.5;

export class PersonClock {
  private audio: { atMs: number; offset: number }[] = [];
  private fastest: number[] = [];
  private slotStartMs = -Infinity;
  private late: number[] = [];
  private lastVideo = { captureMs: 0, nowMs: 0 };
  private soundWayMs: number | null = null;
  private offset: number | null = null;
  private movedMs = 0;

  /** The sound captured at `captureMs` is heard at `heardMs`. */
  audioAt(captureMs: number, heardMs: number, nowMs: number): void {
    this.audio.push({ atMs: nowMs, offset: heardMs - captureMs });
    if (this.audio.length > AUDIO_REPORTS) this.audio.shift();
  }

  /** A packet of sound captured at `captureMs` arrived. */
  soundArrived(captureMs: number, nowMs: number): void {
    const way = nowMs - captureMs;
    // Follows the fastest packet, and a drift of the clocks by 1 ms a second.
    this.soundWayMs =
      this.soundWayMs === null || Math.abs(way - this.soundWayMs) > JUMP_MS * 5
        ? way
        : Math.min(way, this.soundWayMs + 0.02);
  }

  /**
   * How long the sound must be held back, from its arrival to the ear, for most
   * pictures to be in time for it.
   */
  get soundDelayMs(): number {
    if (this.soundWayMs === null || this.fastest.length === 0) return 0;
    const needed = this.videoOffset() - this.soundWayMs - TOLERANCE_MS;
    return Math.max(0, Math.min(MAX_SOUND_DELAY_MS, needed));
  }

  /** A frame captured at `captureMs` is decoded. */
  videoReady(captureMs: number, nowMs: number): void {
    const offset = nowMs - captureMs;
    const { lastVideo } = this;
    const step = captureMs - lastVideo.captureMs;
    const wasSlow = step > 0 && nowMs - lastVideo.nowMs >= CATCHING_UP * step;
    this.lastVideo = { captureMs, nowMs };
    if (this.fastest.length === 0 || nowMs - this.slotStartMs > VIDEO_SLOT_MS) {
      this.fastest.push(offset);
      this.slotStartMs = nowMs;
      if (this.fastest.length > VIDEO_SLOTS) this.fastest.shift();
    }
    const newest = this.fastest.length - 1;
    this.fastest[newest] = Math.min(this.fastest[newest]!, offset);
    // A newcomer's burst of cached frames says nothing of the way.
    if (!wasSlow) return;
    this.late.push(offset - Math.min(...this.fastest));
    if (this.late.length > 90) this.late.shift();
  }

  /** When the frame captured at `captureMs` is due. */
  dueMs(captureMs: number, nowMs: number): number {
    return captureMs + this.slewed(nowMs);
  }

  /** How far a picture shown now is from the sound heard now; null: no sound. */
  skewMs(captureMs: number, shownMs: number): number | null {
    const audio = this.audioOffset(shownMs);
    return audio === null ? null : shownMs - captureMs - audio;
  }

  private slewed(nowMs: number): number {
    const wanted = this.audioOffset(nowMs) ?? this.videoOffset();
    const passed = Math.min(nowMs - this.movedMs, 100);
    this.movedMs = nowMs;
    const difference = this.offset === null ? Infinity : wanted - this.offset;
    if (this.offset === null || Math.abs(difference) > JUMP_MS) {
      this.offset = wanted;
    } else {
      const most = SLEW * passed;
      this.offset += Math.max(-most, Math.min(most, difference));
    }
    return this.offset;
  }

  /**
   * The report's way to us only adds, so the least of the last ones is the
   * nearest to the truth.
   */
  private audioOffset(nowMs: number): number | null {
    const fresh = this.audio.filter((report) => nowMs - report.atMs < AUDIO_STALE_MS);
    return fresh.length === 0 ? null : Math.min(...fresh.map((report) => report.offset));
  }

  private videoOffset(): number {
    if (this.fastest.length === 0) return 0;
    const sorted = [...this.late].sort((a, b) => a - b);
    const hold = sorted[Math.floor((sorted.length - 1) * VIDEO_JITTER_QUANTILE)] ?? 0;
    return Math.min(...this.fastest) + Math.min(hold, VIDEO_MAX_HOLD_MS);
  }
}
