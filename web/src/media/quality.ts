// SPDX-License-Identifier: MIT
// What a camera or a screen is encoded at.

export interface VideoQuality {
  /** Height of the picture in pixels; the width follows from its shape. */
  height: number;
  fps: number;
  kbps: number;
}

const HD: VideoQuality = { height: 720, fps: 30, kbps: 1_500 };
const COMMON: VideoQuality = { height: 360, fps: 30, kbps: 600 };
const SMALL: VideoQuality = { height: 270, fps: 24, kbps: 350 };
export const SCREEN: VideoQuality = { height: 1_080, fps: 15, kbps: 2_000 };

/** Up to so many people each tile is large enough for more. */
const FEW = 2;
const MANY = 12;
/** A frame that takes longer to encode at 360p leaves no room for 720p. */
const FAST_ENCODE_MS = 4;
/** With fewer cores a 720p picture is paid for with everything else. */
const CORES_FOR_HD = 4;

/** Whether this machine is one for 720p; `encodeMs` is what 360p takes. */
export function canHd(cores: number, encodeMs: number): boolean {
  return cores >= CORES_FOR_HD && encodeMs <= FAST_ENCODE_MS;
}

/** The camera's quality for a call with `members` people, oneself included. */
export function cameraQuality(members: number, hd: boolean): VideoQuality {
  if (members > MANY) return SMALL;
  return members <= FEW && hd ? HD : COMMON;
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

const LOWEST_SHARE = 0.15;
const BACKLOG_MS = 120;
const SETTLE_MS = 1_500;
const RISE_AFTER_MS = 4_000;

/**
 * Follows what the network takes: down by a quarter when packets wait, up by a
 * tenth while none does.
 */
export class RateControl {
  private share = 1;
  private changedMs = -Infinity;

  /** Gives the share of the wanted bitrate (0.15…1) to encode at now. */
  update(backlogMs: number, cut: boolean, nowMs: number): number {
    const since = nowMs - this.changedMs;
    if ((cut || backlogMs > BACKLOG_MS) && since > SETTLE_MS) {
      this.share = Math.max(LOWEST_SHARE, this.share * (cut ? 0.6 : 0.75));
      this.changedMs = nowMs;
    } else if (backlogMs < BACKLOG_MS / 4 && since > RISE_AFTER_MS && this.share < 1) {
      this.share = Math.min(1, this.share * 1.1);
      this.changedMs = nowMs;
    }
    return this.share;
  }
}

const OVERLOAD_SHARE = 0.25;
const LOAD_WINDOW_MS = 2_000;
const RECOVER_MS = 30_000;
const STEPS = [1, 0.75, 0.5, 0.375];

/** Makes the picture smaller while the encoder cannot keep up. */
export class LoadControl {
  private step = 0;
  private frames = 0;
  private skipped = 0;
  private windowMs = 0;
  private calmSinceMs = 0;

  /** One frame came; `full`: the encoder was still busy with others. */
  push(full: boolean, nowMs: number): void {
    this.frames++;
    if (full) this.skipped++;
    if (nowMs - this.windowMs < LOAD_WINDOW_MS) return;
    const share = this.skipped / this.frames;
    if (share > OVERLOAD_SHARE && this.step < STEPS.length - 1) {
      this.step++;
      this.calmSinceMs = nowMs;
    } else if (share > 0) {
      this.calmSinceMs = nowMs;
    } else if (this.step > 0 && nowMs - this.calmSinceMs > RECOVER_MS) {
      this.step--;
      this.calmSinceMs = nowMs;
    }
    this.frames = 0;
    this.skipped = 0;
    this.windowMs = nowMs;
  }

  /** 1 or less: the share of the wanted height to encode at. */
  get scale(): number {
    return STEPS[this.step]!;
  }
}
