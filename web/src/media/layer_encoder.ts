// SPDX-License-Identifier: MIT
// Encodes one simulcast layer of a track and sends its groups (worker).
import { GroupUplink } from "../net/group_uplink";
import { buildMedia, type MediaKind } from "../net/packets";
import type { GroupSender } from "../net/transport";
import type { Codec } from "./codec_probe";
import { encodedSize, type LayerPlan } from "./layers";

/** A group is at most 4 s (camera) or 10 s (screen) long by the contract. */
const CAMERA_GROUP_MS = 3_500;
const SCREEN_GROUP_MS = 8_000;
/** Forced key frames are at least this far apart, or they feed the jam. */
const KEYFRAME_SPACING_MS = 400;
/** Frames that wait in the encoder beyond these are not added to. */
const MAX_QUEUE = 2;

/** Counts on for the whole session, however often the layer is off. */
export interface LayerCount {
  sequence: number;
  group: number;
}

export interface LayerDeps {
  openGroup(): GroupSender | null;
  /** ms on the worker's clock. */
  now(): number;
  /** The encoder cannot go on. */
  failed(error: Error): void;
}

export interface LayerStats {
  layer: number;
  width: number;
  height: number;
  kbps: number;
  targetKbps: number;
  frames: number;
}

export class LayerEncoder {
  private readonly uplink: GroupUplink;
  private readonly encoder: VideoEncoder;
  private config: VideoEncoderConfig | null = null;
  private wantKeyframe = true;
  private keyframeMs = -Infinity;
  private nextFrameMs = -Infinity;
  private sentBytes = 0;
  private windowStartMs: number;
  private kbps = 0;
  private frames = 0;

  constructor(
    private readonly kind: MediaKind,
    private readonly layer: number,
    private readonly codec: Codec,
    private readonly still: boolean,
    private readonly count: LayerCount,
    private readonly deps: LayerDeps,
  ) {
    this.uplink = new GroupUplink(deps.openGroup, () => this.requestKeyframe());
    this.encoder = new VideoEncoder({
      output: (chunk, metadata) => this.output(chunk, metadata),
      error: (error) => deps.failed(error),
    });
    this.windowStartMs = deps.now();
  }

  get busy(): boolean {
    return this.encoder.encodeQueueSize > MAX_QUEUE;
  }

  get backlogMs(): number {
    return this.uplink.backlogMs;
  }

  /** How often a group had to be given up. */
  get cuts(): number {
    return this.uplink.cuts;
  }

  get stats(): LayerStats {
    return {
      layer: this.layer,
      width: this.config?.width ?? 0,
      height: this.config?.height ?? 0,
      kbps: this.kbps,
      targetKbps: Math.round((this.config?.bitrate ?? 0) / 1_000),
      frames: this.frames,
    };
  }

  requestKeyframe(): void {
    this.wantKeyframe = true;
  }

  /** Whether this layer's frame rate leaves room for a frame now. */
  due(fps: number): boolean {
    const now = this.deps.now();
    if (now < this.nextFrameMs) return false;
    const interval = 1_000 / fps;
    // Cameras jitter: half an interval of grace keeps 30 fps at 30.
    this.nextFrameMs = Math.max(this.nextFrameMs + interval, now - interval / 2);
    if (this.nextFrameMs > now + interval) this.nextFrameMs = now + interval;
    return true;
  }

  /** `frame` has its capture time as timestamp and stays the caller's. */
  encode(frame: VideoFrame, plan: LayerPlan): void {
    const now = this.deps.now();
    this.configure(frame, plan);
    const groupMs = this.still ? SCREEN_GROUP_MS : CAMERA_GROUP_MS;
    const since = now - this.keyframeMs;
    const keyFrame = since > groupMs || (this.wantKeyframe && since > KEYFRAME_SPACING_MS);
    if (keyFrame) {
      this.wantKeyframe = false;
      this.keyframeMs = now;
    }
    this.encoder.encode(frame, { keyFrame });
  }

  /** The transport is gone; the next one starts with a key frame. */
  interrupted(): void {
    this.uplink.end();
    this.wantKeyframe = true;
    this.keyframeMs = -Infinity;
  }

  close(): void {
    this.uplink.end();
    if (this.encoder.state !== "closed") this.encoder.close();
  }

  private configure(frame: VideoFrame, plan: LayerPlan): void {
    const size = encodedSize(frame.displayWidth, frame.displayHeight, plan.height);
    const bitrate = plan.kbps * 1_000;
    const old = this.config;
    const sameSize = old?.width === size.width && old.height === size.height;
    if (sameSize && old.bitrate === bitrate && old.framerate === plan.fps) return;
    this.config = {
      codec: this.codec.codec,
      ...size,
      bitrate,
      framerate: plan.fps,
      latencyMode: "realtime",
      ...(this.codec.scalabilityMode && { scalabilityMode: this.codec.scalabilityMode }),
    };
    this.encoder.configure(this.config);
    if (sameSize) return;
    // Another size can only start with a key frame.
    this.wantKeyframe = true;
    this.keyframeMs = -Infinity;
  }

  private output(chunk: EncodedVideoChunk, metadata?: EncodedVideoChunkMetadata): void {
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    const keyframe = chunk.type === "key";
    if (keyframe) {
      this.count.group++;
      this.keyframeMs = this.deps.now();
    }
    const svc = (metadata as { svc?: { temporalLayerId?: number } } | undefined)?.svc;
    const temporalId = svc?.temporalLayerId ?? 0;
    const config = this.config!;
    const packet = buildMedia(
      this.kind,
      this.layer,
      {
        sequence: ++this.count.sequence,
        group: this.count.group,
        keyframe,
        temporalId,
        captureUs: chunk.timestamp,
        targetKbps: Math.round(config.bitrate! / 1_000),
        ...(keyframe && {
          codec: this.codec.codec,
          width: config.width,
          height: config.height,
        }),
      },
      { data, durationUs: 1e6 / config.framerate!, redundant: [] },
    );
    this.uplink.send({ packet, keyframe, temporalId });
    this.measure(packet.length);
  }

  private measure(bytes: number): void {
    this.frames++;
    this.sentBytes += bytes;
    const now = this.deps.now();
    if (now - this.windowStartMs < 1_000) return;
    this.kbps = Math.round((this.sentBytes * 8) / (now - this.windowStartMs));
    this.sentBytes = 0;
    this.windowStartMs = now;
  }
}
