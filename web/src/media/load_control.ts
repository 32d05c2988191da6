// SPDX-License-Identifier: MIT

const OVERLOAD_SHARE = 0.25;
const CALM_SHARE = 0.05;
const WINDOW_MS = 2_000;
const RECOVER_MS = 20_000;

/**
 * Whether a coder keeps up: counts steps up while too many of its frames find
 * it busy, and back down after a calm while. The start is not judged.
 */
export class LoadControl {
  private step = 0;
  private frames = 0;
  private busy = 0;
  private windowMs = -1;
  private warm = false;
  private calmSinceMs = 0;

  constructor(private readonly maxSteps: number) {}

  /** One frame came; `busy`: the coder was still at work on others. */
  push(busy: boolean, nowMs: number): void {
    if (this.windowMs < 0) this.windowMs = nowMs;
    this.frames++;
    if (busy) this.busy++;
    if (nowMs - this.windowMs < WINDOW_MS) return;
    const share = this.warm ? this.busy / this.frames : 0;
    this.warm = true;
    if (share > OVERLOAD_SHARE && this.step < this.maxSteps) {
      this.step++;
      this.calmSinceMs = nowMs;
    } else if (share > CALM_SHARE) {
      this.calmSinceMs = nowMs;
    } else if (this.step > 0 && nowMs - this.calmSinceMs > RECOVER_MS) {
      this.step--;
      this.calmSinceMs = nowMs;
    }
    this.frames = 0;
    this.busy = 0;
    this.windowMs = nowMs;
  }

  /** 0: it keeps up. */
  get steps(): number {
    return this.step;
  }
}
