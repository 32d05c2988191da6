// SPDX-License-Identifier: MIT
// Which packets of one (session, kind) go to the decoder, and in what order
// (docs/wire-protocol.md, section 3.6). Groups travel on streams of their own,
// so a group may start to arrive before the one before it has ended.
import type { FrameHeader } from "../net/packets";

/** How long a newer group waits for the rest of the one that is playing. */
const WAIT_MS = 60;

export interface OrderedFrame<T> {
  header: FrameHeader;
  layer: number;
  payload: T;
}

export class GroupOrder<T> {
  private layer = -1;
  private group = -1;
  private sequence = -1;
  private startUs = -Infinity;
  private next: OrderedFrame<T>[] = [];
  private nextSinceMs = 0;
  /** The newest group that was played, by layer. */
  private readonly played = new Map<number, number>();

  /** Gives what is to be decoded now, in order. */
  push(frame: OrderedFrame<T>, nowMs: number): OrderedFrame<T>[] {
    const { header, layer } = frame;
    if (this.isPlaying(frame)) {
      if (header.sequence <= this.sequence) return [];
      this.sequence = header.sequence;
      return [frame, ...this.advance(nowMs)];
    }
    if (this.isNext(frame)) {
      this.next.push(frame);
      return this.advance(nowMs);
    }
    if (!header.keyframe) return [];
    // Another layer is another encoding: nothing of the old one is waited for.
    // Its group may have begun before the one that plays: the relay sends it
    // from its key frame on, and the viewer catches up with what is on screen.
    if (layer !== this.layer) return this.changeLayer(frame);
    if (header.captureUs <= this.startUs) return [];
    const newestNext = this.next[0]?.header.captureUs ?? -Infinity;
    if (header.captureUs <= newestNext) return [];
    this.next = [frame];
    this.nextSinceMs = nowMs;
    return this.advance(nowMs);
  }

  /** To be called now and then while a group waits. */
  poll(nowMs: number): OrderedFrame<T>[] {
    return this.advance(nowMs);
  }

  get waiting(): boolean {
    return this.next.length > 0;
  }

  /** The decoder lost its state: only a key frame helps. */
  reset(): void {
    this.group = -1;
    this.layer = -1;
  }

  private changeLayer(frame: OrderedFrame<T>): OrderedFrame<T>[] {
    const { group, captureUs } = frame.header;
    // What the relay sent before it changed away from that layer is late.
    const before = this.played.get(frame.layer) ?? -1;
    if (group < before && captureUs <= this.startUs) return [];
    this.next = [frame];
    return this.switchOver();
  }

  private isPlaying({ header, layer }: OrderedFrame<T>): boolean {
    return layer === this.layer && header.group === this.group && !header.keyframe;
  }

  private isNext({ header, layer }: OrderedFrame<T>): boolean {
    const head = this.next[0];
    return (
      head !== undefined &&
      !header.keyframe &&
      layer === head.layer &&
      header.group === head.header.group &&
      header.sequence > this.next.at(-1)!.header.sequence
    );
  }

  private advance(nowMs: number): OrderedFrame<T>[] {
    const head = this.next[0];
    if (!head) return [];
    const complete = this.group < 0 || head.header.sequence === this.sequence + 1;
    if (!complete && nowMs - this.nextSinceMs < WAIT_MS) return [];
    return this.switchOver();
  }

  private switchOver(): OrderedFrame<T>[] {
    const frames = this.next;
    const head = frames[0]!;
    this.next = [];
    this.layer = head.layer;
    this.group = head.header.group;
    this.played.set(head.layer, head.header.group);
    this.startUs = head.header.captureUs;
    this.sequence = frames.at(-1)!.header.sequence;
    return frames;
  }
}
