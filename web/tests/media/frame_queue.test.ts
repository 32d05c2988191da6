// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { FrameQueue } from "../../src/media/frame_queue";

class Frame {
  closed = false;
  constructor(readonly id: number) {}
  close(): void {
    this.closed = true;
  }
}

/** Frames are due 100 ms after they were captured. */
const due = (captureMs: number) => captureMs + 100;

function queueWith(...captures: number[]) {
  const queue = new FrameQueue<Frame>();
  const frames = captures.map((captureMs) => new Frame(captureMs));
  for (const frame of frames) queue.push(frame.id, frame);
  return { queue, frames };
}

describe("FrameQueue", () => {
  it("gives each frame when it is due", () => {
    const { queue } = queueWith(0, 33);
    queue.take(100, due);
    expect(queue.take(110, due)).toMatchObject({ frame: null, waitMs: 23 });
    expect(queue.take(133, due).frame!.id).toBe(33);
    expect(queue.take(134, due).waitMs).toBe(Infinity);
  });

  it("draws only the last of several that are due", () => {
    const { queue, frames } = queueWith(0, 33, 66);
    expect(queue.take(150, due).frame!.id).toBe(33);
    expect(frames[0]!.closed).toBe(true);
    expect(queue.dropped).toBe(1);
  });

  it("shows nothing that is more than 200 ms older than the newest", () => {
    const { queue, frames } = queueWith(0, 33, 66, 500);
    const shown = queue.take(0, () => Infinity);
    expect(shown.frame).toBeNull();
    expect(frames.slice(0, 3).every((frame) => frame.closed)).toBe(true);
  });

  it("moves evenly where frames are due later than they may wait", () => {
    const queue = new FrameQueue<Frame>();
    const shown: number[] = [];
    for (let now = 0; now < 2_000; now += 33) {
      queue.push(now, new Frame(now));
      // Half a second late: every frame would be stale before it is due.
      const { frame } = queue.take(now, (captureMs) => captureMs + 500);
      if (frame) shown.push(now - frame.id);
    }
    expect(shown.length).toBeGreaterThan(50);
    expect(Math.max(...shown)).toBeLessThanOrEqual(200);
    expect(Math.min(...shown)).toBeGreaterThanOrEqual(175);
  });

  it("shows nothing again that was shown in another layer", () => {
    const { queue } = queueWith(1_000);
    expect(queue.take(1_100, due).frame!.id).toBe(1_000);
    const again = [400, 433, 1_000].map((captureMs) => new Frame(captureMs));
    for (const frame of again) queue.push(frame.id, frame);
    expect(again.every((frame) => frame.closed)).toBe(true);
    queue.push(1_033, new Frame(1_033));
    expect(queue.take(1_133, due).frame!.id).toBe(1_033);
  });

  it("keeps the order where two layers overlap, and the later of two alike", () => {
    const { queue, frames } = queueWith(100, 166);
    const better = [133, 166, 199].map((captureMs) => new Frame(captureMs));
    for (const frame of better) queue.push(frame.id, frame);
    const shown = [200, 233, 266, 299].map((now) => queue.take(now, due).frame);
    expect(shown).toEqual([frames[0], ...better]);
    expect(frames[1]!.closed).toBe(true);
  });

  it("starts anew with a sender that started anew", () => {
    const { queue } = queueWith(100_000);
    queue.push(5, new Frame(5));
    expect(queue.take(105, due).frame!.id).toBe(5);
  });

  it("closes what it clears", () => {
    const { queue, frames } = queueWith(0, 33);
    queue.clear();
    expect(frames.every((frame) => frame.closed)).toBe(true);
  });
});
