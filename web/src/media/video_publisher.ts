// SPDX-License-Identifier: MIT
// One camera or screen in as many simulcast layers as are wanted, as the
// network takes and as this machine can encode (worker).
import type { MediaKind } from "../net/packets";
import { CaptureClock } from "./capture_clock";
import type { Codec } from "./codec_probe";
import { LayerEncoder, type LayerCount, type LayerDeps, type LayerStats } from "./layer_encoder";
import { planLayers, wantedKbps, type Circumstances, type LayerPlan, type LayerSpec } from "./layers";
import { LoadControl } from "./load_control";
import { UplinkBudget, type UplinkSigns } from "./uplink_budget";

/** A still screen gives no frames; a newcomer waits for none. */
const REPEAT_MS = 1_000;
const PLAN_MS = 250;
/** From three layers down to the smallest picture. */
const MAX_OVERLOAD = 6;

export interface VideoPublisherDeps extends LayerDeps {
  /** What is seen of the way to the server. */
  way(): Pick<UplinkSigns, "rttMs" | "leastRttMs" | "lostShare">;
}

/** What a track is, for as long as it is on. */
export interface TrackKind {
  kind: MediaKind;
  specs: readonly LayerSpec[];
  /** Text: sharpness before motion. */
  still: boolean;
  /** The highest layer that this machine is to try. */
  maxLayer: number;
  /** One a layer. */
  counts: LayerCount[];
}

export interface PublisherStats {
  /** Frames that at least one layer was given, and those that none was. */
  framesEncoded: number;
  framesSkipped: number;
  /** Of the highest layer. */
  width: number;
  height: number;
  /** Of all layers. */
  kbps: number;
  budgetKbps: number;
  overload: number;
  codec: string;
  cuts: number;
  layers: LayerStats[];
}

export class VideoPublisher {
  private readonly clock = new CaptureClock();
  private readonly budget = new UplinkBudget();
  private readonly load = new LoadControl(MAX_OVERLOAD);
  private readonly encoders = new Map<number, LayerEncoder>();
  private plan: LayerPlan[] = [];
  private planMs = -Infinity;
  private budgetKbps = 0;
  private sourceHeight = 0;
  private last: VideoFrame | null = null;
  private repeatTimer: ReturnType<typeof setTimeout> | undefined;
  private cutsSeen = 0;
  private cutsOver = 0;
  private closed = false;
  private readonly counts = { encoded: 0, skipped: 0 };

  constructor(
    private readonly track: TrackKind,
    private readonly codec: Codec,
    private wanted: readonly number[] | null,
    private readonly deps: VideoPublisherDeps,
  ) {}

  /** Which layers anybody looks at; null: not told, so all. */
  setWanted(wanted: readonly number[] | null): void {
    this.wanted = wanted;
    this.planMs = -Infinity;
    if (this.track.still && this.last) this.repeat();
  }

  /** A viewer needs a key frame of this layer. */
  requestKeyframe(layer: number): void {
    this.encoders.get(layer)?.requestKeyframe();
    if (this.track.still && this.last) this.repeat();
  }

  /** Takes the frame over. */
  push(frame: VideoFrame): void {
    const now = this.deps.now();
    this.encode(frame, this.clock.map(frame.timestamp, now * 1_000), false);
    this.remember(frame);
  }

  /** The transport is gone; the next one starts with a key frame. */
  interrupted(): void {
    this.budget.reset();
    for (const encoder of this.encoders.values()) encoder.interrupted();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.repeatTimer);
    this.last?.close();
    this.last = null;
    for (const layer of [...this.encoders.keys()]) this.drop(layer);
  }

  get stats(): PublisherStats {
    const layers = [...this.encoders.values()]
      .map((encoder) => encoder.stats)
      .sort((a, b) => a.layer - b.layer);
    const top = layers.at(-1);
    return {
      framesEncoded: this.counts.encoded,
      framesSkipped: this.counts.skipped,
      width: top?.width ?? 0,
      height: top?.height ?? 0,
      kbps: this.sentKbps,
      budgetKbps: Math.round(this.budgetKbps),
      overload: this.load.steps,
      codec: this.codec.codec,
      cuts: this.cuts,
      layers,
    };
  }

  /** To be asked for often: its clock stands while nobody looks (StallClock). */
  get backlogMs(): number {
    return Math.max(0, ...[...this.encoders.values()].map((encoder) => encoder.backlogMs));
  }

  private get sentKbps(): number {
    let sum = 0;
    for (const encoder of this.encoders.values()) sum += encoder.stats.kbps;
    return sum;
  }

  private get cuts(): number {
    let sum = this.cutsOver;
    for (const encoder of this.encoders.values()) sum += encoder.cuts;
    return sum;
  }

  /** `repeated`: the frame is an old one, whatever the frame rate says. */
  private encode(frame: VideoFrame, captureUs: number, repeated: boolean): void {
    try {
      this.replan(frame);
      const due = this.plan.filter((one) => repeated || this.encoder(one.layer).due(one.fps));
      const free = due.filter((one) => !this.encoder(one.layer).busy);
      if (due.length > 0) this.load.push(free.length < due.length, this.deps.now());
      if (free.length === 0) {
        this.counts.skipped++;
        return;
      }
      this.counts.encoded++;
      // Encoders hand the timestamp back: the capture time itself travels.
      const stamped = new VideoFrame(frame, { timestamp: captureUs });
      for (const one of free) this.encoder(one.layer).encode(stamped, one);
      stamped.close();
    } catch (error) {
      this.deps.failed(error as Error);
    }
  }

  private replan(frame: VideoFrame): void {
    const now = this.deps.now();
    const height = Math.min(frame.displayWidth, frame.displayHeight);
    if (height === this.sourceHeight && now - this.planMs < PLAN_MS) return;
    this.sourceHeight = height;
    this.planMs = now;
    const circumstances: Circumstances = {
      sourceHeight: height,
      wanted: this.wanted,
      maxLayer: this.track.maxLayer,
      budgetKbps: Infinity,
      overload: this.load.steps,
      still: this.track.still,
    };
    const ceiling = wantedKbps(this.track.specs, circumstances);
    this.budgetKbps = this.budget.update(this.signs(), ceiling, now);
    circumstances.budgetKbps = this.budgetKbps;
    this.plan = planLayers(this.track.specs, circumstances);
    const planned = new Set(this.plan.map((one) => one.layer));
    for (const layer of this.encoders.keys()) if (!planned.has(layer)) this.drop(layer);
  }

  private signs(): UplinkSigns {
    const { cuts } = this;
    const cut = cuts > this.cutsSeen;
    this.cutsSeen = cuts;
    return {
      ...this.deps.way(),
      backlogMs: this.backlogMs,
      cut,
      sentKbps: this.sentKbps,
    };
  }

  private encoder(layer: number): LayerEncoder {
    let encoder = this.encoders.get(layer);
    if (!encoder) {
      const { kind, still, counts } = this.track;
      encoder = new LayerEncoder(kind, layer, this.codec, still, counts[layer]!, this.deps);
      this.encoders.set(layer, encoder);
    }
    return encoder;
  }

  private drop(layer: number): void {
    const encoder = this.encoders.get(layer)!;
    this.cutsOver += encoder.cuts;
    this.encoders.delete(layer);
    encoder.close();
  }

  private remember(frame: VideoFrame): void {
    // A failure may have closed this publisher meanwhile.
    if (!this.track.still || this.closed) {
      frame.close();
      return;
    }
    this.last?.close();
    this.last = frame;
    this.repeatLater();
  }

  /** The last picture once more, so that groups end and newcomers see it. */
  private repeat(): void {
    if (!this.last) return;
    this.encode(this.last, this.clock.now(this.deps.now() * 1_000), true);
    if (!this.closed) this.repeatLater();
  }

  private repeatLater(): void {
    clearTimeout(this.repeatTimer);
    this.repeatTimer = setTimeout(() => this.repeat(), REPEAT_MS);
  }
}
