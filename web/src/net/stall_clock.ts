// SPDX-License-Identifier: MIT

/** Longer than this between two looks, this thread stood still. */
const MOST_MS = 60;

/**
 * A clock that stands while its thread does: what waited while nobody could
 * send it waited for this machine, not for the network. To be read often, at
 * least once a frame, while anything waits.
 */
export class StallClock {
  private elapsed = 0;
  private last: number;

  constructor(private readonly real: () => number) {
    this.last = real();
  }

  /** ms from an arbitrary start. */
  now(): number {
    const real = this.real();
    this.elapsed += Math.min(MOST_MS, Math.max(0, real - this.last));
    this.last = real;
    return this.elapsed;
  }
}
