// SPDX-License-Identifier: MIT
const MIN_TARGET_MS = 40;
const MAX_TARGET_MS = 120;
/** What one frame and the clock of the sound card need beyond the jitter. */
const MARGIN_MS = 20;
const WINDOW = 500;
const QUANTILE = 0.97;

/**
 * How much sound to hold back so that late packets are in time: the delay that
 * 97 % of the last ten seconds' packets stayed below, measured against the
 * fastest of them, and 20 ms. Rises at once, falls slowly.
 */
export class JitterEstimator {
  private readonly delays: number[] = [];
  private target = MIN_TARGET_MS;

  /** `captureMs` on the sender's clock, `arrivalMs` on ours. */
  push(captureMs: number, arrivalMs: number): void {
    const delay = arrivalMs - captureMs;
    const last = this.delays.at(-1);
    // A jump of the sender's clock is not jitter.
    if (last !== undefined && Math.abs(delay - last) > 2_000) this.delays.length = 0;
    this.delays.push(delay);
    if (this.delays.length > WINDOW) this.delays.shift();
    const wanted = this.wantedMs();
    this.target = wanted > this.target ? wanted : this.target + (wanted - this.target) * 0.01;
  }

  get targetMs(): number {
    return this.target;
  }

  private wantedMs(): number {
    if (this.delays.length < 10) return MIN_TARGET_MS;
    // Sorting is needed only now and then; the target moves slowly anyway.
    if (this.delays.length % 10 !== 0 && this.delays.length < WINDOW) return this.wanted;
    if (this.delays.length === WINDOW && ++this.skipped % 10 !== 0) return this.wanted;
    const sorted = Float64Array.from(this.delays).sort();
    const late = sorted[Math.floor((sorted.length - 1) * QUANTILE)]! - sorted[0]!;
    this.wanted = Math.min(MAX_TARGET_MS, Math.max(MIN_TARGET_MS, late + MARGIN_MS));
    return this.wanted;
  }
  private wanted = MIN_TARGET_MS;
  private skipped = 0;
}
