// SPDX-License-Identifier: MIT
/**
 * Puts the timestamps of one track on the one clock of this session.
 *
 * Tracks count from zeros of their own, and what is read arrives with jitter.
 * The least (arrival - timestamp) of the last seconds is the offset between
 * the two clocks; it follows drift, but not the jitter.
 */
export class CaptureClock {
  private readonly slots: number[] = [];
  private slotStart = 0;
  private last = -1;

  /** Both in µs. Gives strictly increasing µs on the arrival clock. */
  map(timestampUs: number, arrivalUs: number): number {
    const offset = arrivalUs - timestampUs;
    if (this.slots.length > 0 && Math.abs(offset - Math.min(...this.slots)) > JUMP_US) {
      this.slots.length = 0;
    }
    if (this.slots.length === 0 || arrivalUs - this.slotStart > SLOT_US) {
      this.slots.push(offset);
      this.slotStart = arrivalUs;
      if (this.slots.length > SLOTS) this.slots.shift();
    }
    const newest = this.slots.length - 1;
    this.slots[newest] = Math.min(this.slots[newest]!, offset);
    const mapped = Math.round(timestampUs + Math.min(...this.slots));
    this.last = Math.max(mapped, this.last + 1);
    return this.last;
  }

  /** A frame without a timestamp of its own, captured now. */
  now(arrivalUs: number): number {
    this.last = Math.max(Math.round(arrivalUs), this.last + 1);
    return this.last;
  }
}

const SLOT_US = 1_000_000;
const SLOTS = 5;
/** The track started anew, or the machine slept. */
const JUMP_US = 300_000;
