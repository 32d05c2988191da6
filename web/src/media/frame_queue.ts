// SPDX-License-Identifier: MIT
// Decoded frames on their way to the screen (docs/wire-protocol.md, section
// 3.4: nothing more than 200 ms older than the newest is shown).

const STALE_MS = 200;
/** A frame that would be stale before it is due is shown shortly before that. */
const MAX_HOLD_MS = STALE_MS - 25;
/** How often to look whether a frame that waits has become that old. */
const LOOK_MS = 30;
const MAX_FRAMES = 24;
/** Further back than any group is long: a sender that started anew. */
const NEW_CLOCK_MS = 15_000;

export interface Closable {
  close(): void;
}

export interface Due<F> {
  /** To be drawn now; the caller closes it. null: nothing is due. */
  frame: F | null;
  captureMs: number;
  /** When to ask again, in ms from now; Infinity when the queue is empty. */
  waitMs: number;
}

export class FrameQueue<F extends Closable> {
  private frames: { captureMs: number; frame: F }[] = [];
  private newestMs = -Infinity;
  private shownMs = -Infinity;
  dropped = 0;

  push(captureMs: number, frame: F): void {
    if (captureMs < this.newestMs - NEW_CLOCK_MS) this.clear();
    // A change of layers goes back to its key frame: that was shown already.
    if (captureMs <= this.shownMs) {
      frame.close();
      return;
    }
    this.newestMs = Math.max(this.newestMs, captureMs);
    this.insert(captureMs, frame);
    if (this.frames.length > MAX_FRAMES) this.dropFirst();
  }

  /** `dueMs` tells when a captured moment is to be seen. */
  take(nowMs: number, dueMs: (captureMs: number) => number): Due<F> {
    while (this.frames.length > 1 && this.frames[0]!.captureMs < this.newestMs - STALE_MS) {
      this.dropFirst();
    }
    // Of several that are due, only the last is worth drawing.
    while (this.frames.length > 1 && dueMs(this.frames[1]!.captureMs) <= nowMs) {
      this.dropFirst();
    }
    const head = this.frames[0];
    if (!head) return { frame: null, captureMs: 0, waitMs: Infinity };
    const wait = dueMs(head.captureMs) - nowMs;
    if (wait > 0 && this.newestMs - head.captureMs < MAX_HOLD_MS) {
      return { frame: null, captureMs: 0, waitMs: Math.min(wait, LOOK_MS) };
    }
    this.frames.shift();
    this.shownMs = head.captureMs;
    return { frame: head.frame, captureMs: head.captureMs, waitMs: 0 };
  }

  clear(): void {
    while (this.frames.length > 0) this.dropFirst();
    this.newestMs = -Infinity;
    this.shownMs = -Infinity;
  }

  /** While layers change, frames of both come mixed: the later one counts. */
  private insert(captureMs: number, frame: F): void {
    let at = this.frames.length;
    while (at > 0 && this.frames[at - 1]!.captureMs > captureMs) at--;
    const same = this.frames[at - 1];
    if (same?.captureMs === captureMs) {
      same.frame.close();
      same.frame = frame;
      this.dropped++;
    } else {
      this.frames.splice(at, 0, { captureMs, frame });
    }
  }

  private dropFirst(): void {
    this.frames.shift()!.frame.close();
    this.dropped++;
  }
}
