// SPDX-License-Identifier: MIT
// How much the way to the server takes, judged by what is seen of it from
// here: packets that wait, groups that were cut, round trips and lost probes.

export interface UplinkSigns {
  /** How long the oldest packet waits to leave, over all streams. */
  backlogMs: number;
  /** A group had to be given up since the last call. */
  cut: boolean;
  /** The smoothed round trip and the shortest of late; 0: not known. */
  rttMs: number;
  leastRttMs: number;
  /** Of the last probes, how many never came back. */
  lostShare: number;
  /** What was sent over the last second. */
  sentKbps: number;
}

const LEAST_KBPS = 60;
const BACKLOG_MS = 120;
/** A round trip this much over twice the shortest means a queue somewhere. */
const QUEUE_MS = 150;
const LOST_SHARE = 0.2;
/** At least this share of what was allowed counts as used. */
const MOST_IDLE = 0.8;
const AFTER_CUT = 0.6;
const AFTER_BACKLOG = 0.75;
const AFTER_HINT = 0.85;
const RISE = 1.15;
/** What was changed is to show its effect before it is changed again. */
const SETTLE_MS = 1_500;
const RISE_AFTER_MS = 2_000;

export class UplinkBudget {
  private kbps = Infinity;
  private changedMs = -Infinity;
  /** The last look saw a sign of too much. */
  private braked = false;

  /** Gives the kbit/s to send at; `ceilingKbps` is all that there is to send. */
  update(signs: UplinkSigns, ceilingKbps: number, nowMs: number): number {
    const since = nowMs - this.changedMs;
    const factor = this.confirmed(brake(signs), signs.cut);
    if (factor < 1 && since > SETTLE_MS) {
      // Encoders often send less than they may: that is what was too much. But
      // a machine that stalled for a moment sent little for another reason.
      const allowed = Math.min(this.kbps, ceilingKbps);
      const used = Math.min(allowed, Math.max(signs.sentKbps, allowed * MOST_IDLE));
      this.kbps = Math.max(LEAST_KBPS, used * factor);
      this.changedMs = nowMs;
    } else if (!this.braked && since > RISE_AFTER_MS && this.kbps < ceilingKbps) {
      // Packets that wait a little are no reason to slow down, nor to hurry.
      if (signs.backlogMs < BACKLOG_MS / 4) this.kbps *= RISE;
      this.changedMs = nowMs;
    }
    // What is above the ceiling was never tried.
    if (this.kbps >= ceilingKbps) this.kbps = Infinity;
    return Math.min(this.kbps, ceilingKbps);
  }

  /** A single look may have met a moment when the machine, not the network, stood. */
  private confirmed(factor: number, cut: boolean): number {
    const before = this.braked;
    this.braked = factor < 1;
    return cut || before ? factor : 1;
  }

  /** Another way to the server: nothing is known of it. */
  reset(): void {
    this.kbps = Infinity;
    this.changedMs = -Infinity;
  }
}

function brake(signs: UplinkSigns): number {
  if (signs.cut) return AFTER_CUT;
  if (signs.backlogMs > BACKLOG_MS) return AFTER_BACKLOG;
  const queues = signs.leastRttMs > 0 && signs.rttMs > 2 * signs.leastRttMs + QUEUE_MS;
  return queues || signs.lostShare > LOST_SHARE ? AFTER_HINT : 1;
}
