// SPDX-License-Identifier: MIT
// Decodes one remote video track and draws it on its canvas (worker).
import { parseMediaPayload, type FrameHeader } from "../net/packets";
import { FrameQueue } from "./frame_queue";
import { GroupOrder, type OrderedFrame } from "./group_order";
import type { PersonClock } from "./lip_sync";
import { LoadControl } from "./load_control";
import type { Milestone } from "./milestones";
import { RecentMaximum } from "./recent_maximum";

/** Packets come but nothing decodes: ask for a key frame, this often. */
const STUCK_MS = 1_000;
/** …and sooner while there has not been a picture at all. */
const NOTHING_YET_MS = 200;
/** Above so many waiting frames the top temporal layer is left out. */
const MAX_DECODE_QUEUE = 12;
/** A slow machine is sent this many layers less at most. */
const MAX_LAYERS_LESS = 2;
export const TOP_LAYER = 2;
/** A picture that is silent for so long is asked for anew: its group may have
 * been cut on the way. A layer above the lowest is not waited for… */
const STALL_MS = 500;
/** …and not asked for again before the relay knows that it is gone. */
const CAP_MS = 6_000;
const GAP_WINDOW_MS = 5_000;
const KBPS_WINDOW_MS = 1_000;

export interface VideoReceiverDeps {
  now(): number;
  requestKeyframe(layer: number): void;
  milestone(name: Milestone): void;
}

/** Facts of one remote picture, for the page and for tests. */
export interface VideoFacts {
  framesDecoded: number;
  framesDrawn: number;
  framesDropped: number;
  /** Capture time of the picture on screen, ms on its sender's clock. */
  lastCaptureMs: number;
  /** When it was drawn, on our clock; 0: never. */
  lastDrawnMs: number;
  width: number;
  height: number;
  layer: number;
  codec: string;
  /** All that came of it, and lately. */
  bytes: number;
  kbps: number;
  /** The longest time without a new picture, of the last 5 to 10 s. */
  longestGapMs: number;
  /** Picture minus sound, in ms; null while there is no sound to compare. */
  skewMs: number | null;
  /** Not on screen, so not decoded. */
  paused: boolean;
}

export class VideoReceiver {
  readonly facts: VideoFacts = {
    framesDecoded: 0,
    framesDrawn: 0,
    framesDropped: 0,
    lastCaptureMs: 0,
    lastDrawnMs: 0,
    width: 0,
    height: 0,
    layer: 0,
    codec: "",
    bytes: 0,
    kbps: 0,
    longestGapMs: 0,
    skewMs: null,
    paused: false,
  };
  lastPacketMs: number;
  private readonly order = new GroupOrder<Uint8Array>();
  private readonly queue = new FrameQueue<VideoFrame>();
  private decoder: VideoDecoder | null = null;
  private configured = "";
  private canvas: OffscreenCanvas | null = null;
  private context: OffscreenCanvasRenderingContext2D | null = null;
  /** Was due before there was a canvas; a still screen sends no other soon. */
  private undrawn: VideoFrame | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lastDecodedMs: number;
  private lastRequestMs = -Infinity;
  private readonly gaps = new RecentMaximum(GAP_WINDOW_MS);
  private readonly load = new LoadControl(MAX_LAYERS_LESS);
  private paused = false;
  /** Its sender has it turned on, as far as is known. */
  private on = true;
  private capped = { layer: TOP_LAYER, untilMs: -Infinity };
  private windowBytes = 0;
  private windowStartMs = 0;

  constructor(
    private readonly clock: PersonClock,
    private readonly deps: VideoReceiverDeps,
  ) {
    this.lastPacketMs = deps.now();
    this.lastDecodedMs = deps.now();
  }

  /** Where to draw; null: nowhere, the frames are decoded all the same. */
  attach(canvas: OffscreenCanvas | null): void {
    this.canvas = canvas;
    this.context = canvas?.getContext("2d", { alpha: false }) ?? null;
    if (this.undrawn) this.draw(this.undrawn);
  }

  push(header: FrameHeader, layer: number, data: Uint8Array): void {
    const now = this.deps.now();
    this.lastPacketMs = now;
    this.on = true;
    this.deps.milestone("received");
    this.count(data.length, now);
    if (this.paused) return;
    this.decodeAll(this.order.push({ header, layer, payload: data }, now));
    if (this.order.waiting) setTimeout(() => this.decodeAll(this.order.poll(this.deps.now())), 70);
    this.askIfStuck(now, layer);
  }

  /** Nobody looks: nothing is decoded until a key frame after the pause. */
  pause(paused: boolean): void {
    if (paused === this.paused) return;
    this.paused = paused;
    this.facts.paused = paused;
    if (!paused) {
      this.lastDecodedMs = this.deps.now() - STUCK_MS + NOTHING_YET_MS;
      return;
    }
    this.stop();
    this.closeDecoder();
    this.order.reset();
  }

  /** The highest layer to ask for now; TOP_LAYER: whatever there is. */
  get layerCap(): number {
    const now = this.deps.now();
    if (this.stalled(now)) this.capped = { layer: this.facts.layer - 1, untilMs: now + CAP_MS };
    const least = now < this.capped.untilMs ? this.capped.layer : TOP_LAYER;
    return Math.max(0, Math.min(least, TOP_LAYER - this.load.steps));
  }

  /** The layer stopped to come: its sender may have given it up. */
  private stalled(now: number): boolean {
    return !this.paused && this.on && this.facts.layer > 0 && now - this.lastPacketMs > STALL_MS;
  }

  /** The track is off: what is on screen is not it. */
  stop(): void {
    this.on = false;
    this.queue.clear();
    this.undrawn?.close();
    this.undrawn = null;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  close(): void {
    this.stop();
    this.closeDecoder();
  }

  private decodeAll(frames: OrderedFrame<Uint8Array>[]): void {
    for (const frame of frames) this.decode(frame);
  }

  private decode({ header, layer, payload }: OrderedFrame<Uint8Array>): void {
    if (header.keyframe) this.configure(header, layer);
    const decoder = this.decoder;
    if (decoder?.state !== "configured") return;
    const busy = decoder.decodeQueueSize > MAX_DECODE_QUEUE;
    this.load.push(busy, this.deps.now());
    if (busy && header.temporalId > 1) {
      this.facts.framesDropped++;
      return;
    }
    try {
      decoder.decode(
        new EncodedVideoChunk({
          type: header.keyframe ? "key" : "delta",
          timestamp: header.captureUs,
          data: parseMediaPayload(payload).data,
        }),
      );
    } catch (error) {
      this.failed(error);
    }
  }

  private configure(header: FrameHeader, layer: number): void {
    const codec = header.codec || "vp8";
    const wanted = `${codec} ${header.width}x${header.height}`;
    this.facts.codec = codec;
    this.facts.layer = layer;
    if (this.decoder?.state === "configured" && this.configured === wanted) return;
    if (!this.decoder || this.decoder.state === "closed") {
      this.decoder = new VideoDecoder({
        output: (frame) => this.decoded(frame),
        error: (error) => this.failed(error),
      });
    }
    try {
      this.decoder.configure({ codec, optimizeForLatency: true });
      this.configured = wanted;
    } catch (error) {
      this.failed(error);
    }
  }

  private decoded(frame: VideoFrame): void {
    this.deps.milestone("decoded");
    this.facts.framesDecoded++;
    this.facts.width = frame.displayWidth;
    this.facts.height = frame.displayHeight;
    this.lastDecodedMs = this.deps.now();
    const captureMs = frame.timestamp / 1_000;
    this.clock.videoReady(captureMs, this.lastDecodedMs);
    this.queue.push(captureMs, frame);
    this.show();
  }

  private show(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const now = this.deps.now();
    const due = this.queue.take(now, (captureMs) => this.clock.dueMs(captureMs, now));
    if (due.frame) {
      this.draw(due.frame);
      if (this.facts.lastDrawnMs > 0) this.gaps.push(now - this.facts.lastDrawnMs, now);
      this.facts.longestGapMs = this.gaps.value;
      this.facts.lastCaptureMs = due.captureMs;
      this.facts.lastDrawnMs = now;
      this.facts.skewMs = this.clock.skewMs(due.captureMs, now);
    }
    if (due.waitMs !== Infinity) {
      this.timer = setTimeout(() => this.show(), Math.max(1, due.waitMs));
    }
  }

  /** Takes the frame over. */
  private draw(frame: VideoFrame): void {
    if (this.undrawn !== frame) this.undrawn?.close();
    this.undrawn = null;
    if (!this.canvas || !this.context) {
      this.undrawn = frame;
      return;
    }
    if (this.canvas.width !== frame.displayWidth || this.canvas.height !== frame.displayHeight) {
      this.canvas.width = frame.displayWidth;
      this.canvas.height = frame.displayHeight;
    }
    this.context.drawImage(frame, 0, 0, frame.displayWidth, frame.displayHeight);
    frame.close();
    this.facts.framesDrawn++;
    this.deps.milestone("drawn");
  }

  private failed(error: unknown): void {
    console.warn("videocall: decoding failed", error);
    this.closeDecoder();
    this.order.reset();
    this.askIfStuck(this.deps.now() + STUCK_MS, this.facts.layer);
  }

  private closeDecoder(): void {
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
    this.decoder = null;
  }

  private askIfStuck(now: number, layer: number, longest = STUCK_MS): void {
    const patience = this.facts.framesDecoded === 0 ? NOTHING_YET_MS : longest;
    if (now - this.lastDecodedMs < patience || now - this.lastRequestMs < STUCK_MS) return;
    this.lastRequestMs = now;
    this.deps.requestKeyframe(layer);
  }

  /** Nothing may come any more, so nothing but the clock says that it is due;
   * for pictures that always move, ten times a second. */
  askIfSilent(): void {
    const now = this.deps.now();
    if (this.paused || !this.on || this.facts.framesDecoded === 0) return;
    if (now - this.lastPacketMs > STALL_MS) this.askIfStuck(now, this.facts.layer, STALL_MS);
  }

  private count(bytes: number, now: number): void {
    this.facts.bytes += bytes;
    this.windowBytes += bytes;
    if (now - this.windowStartMs < KBPS_WINDOW_MS) return;
    this.facts.kbps = Math.round((this.windowBytes * 8) / (now - this.windowStartMs));
    this.windowBytes = 0;
    this.windowStartMs = now;
  }
}
