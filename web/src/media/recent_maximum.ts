// SPDX-License-Identifier: MIT

/** The largest of the values of late: of one to two windows. */
export class RecentMaximum {
  private before = 0;
  private current = 0;
  private startMs = -Infinity;

  constructor(private readonly windowMs: number) {}

  push(value: number, nowMs: number): void {
    if (nowMs - this.startMs > this.windowMs) {
      this.before = nowMs - this.startMs > 2 * this.windowMs ? 0 : this.current;
      this.current = 0;
      this.startMs = nowMs;
    }
    this.current = Math.max(this.current, value);
  }

  /** 0 before the first. */
  get value(): number {
    return Math.max(this.before, this.current);
  }
}
