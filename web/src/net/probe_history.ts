// SPDX-License-Identifier: MIT

const SMOOTHING = 0.2;
/** About as many seconds: probes go out once in one. */
const SHORTEST_OF = 60;
const LOST_OF = 16;

/** What the last probes (datagrams that the server echoes) tell of the way. */
export class ProbeHistory {
  private smoothed = 0;
  private trips: number[] = [];
  private lost: boolean[] = [];

  /** A round trip in ms; null: the probe did not come back. */
  push(ms: number | null): void {
    this.lost.push(ms === null);
    if (this.lost.length > LOST_OF) this.lost.shift();
    if (ms === null) return;
    this.smoothed = this.smoothed === 0 ? ms : this.smoothed + (ms - this.smoothed) * SMOOTHING;
    this.trips.push(ms);
    if (this.trips.length > SHORTEST_OF) this.trips.shift();
  }

  /** rttMs and leastRttMs are 0 before the first came back. */
  get facts(): { rttMs: number; leastRttMs: number; lostShare: number } {
    const lost = this.lost.filter((one) => one).length;
    return {
      rttMs: this.smoothed,
      leastRttMs: this.trips.length > 0 ? Math.min(...this.trips) : 0,
      // A few probes say nothing.
      lostShare: this.lost.length < LOST_OF / 2 ? 0 : lost / this.lost.length,
    };
  }

  reset(): void {
    this.smoothed = 0;
    this.trips = [];
    this.lost = [];
  }
}
