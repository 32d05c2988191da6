// SPDX-License-Identifier: MIT
// Encodes one video track and sends its groups (worker).
import { GroupUplink } from "../net/group_uplink";
import { buildMedia, type MediaKind } from "../net/packets";
import type { GroupSender } from "../net/transport";
import { CaptureClock } from "./capture_clock";
import type { Codec } from "./codec_probe";
import { LoadControl, RateControl, encodedSize, type VideoQuality } from "./quality";

/** A group is at most 4 s (camera) or 10 s (screen) long by the contract. */
const CAMERA_GROUP_MS = 3_500;
const SCREEN_GROUP_MS = 8_000;
/** Forced key frames are at least this far apart, or they feed the jam. */
const KEYFRAME_SPACING_MS = 400;
/** Frames that wait in the encoder beyond these are not added to. */
const MAX_QUEUE = 2;
/** A still screen gives no frames; a newcomer waits for none. */
const REPEAT_MS = 1_000;

export interface VideoPublisherDeps {
  openGroup(): GroupSender | null;
  /** ms on the worker's clock. */
  now(): number;
  /** The encoder cannot go on. */
  failed(error: Error): void;
}

/** Counts on for the whole session, however often the track is off. */
export interface TrackCount {
  sequence: number;
  group: number;
}

export interface PublisherStats {
  framesEncoded: number;
  framesSkipped: number;
  width: number;
  height: number;
  kbps: number;
  codec: string;
  cuts: number;
}

export class VideoPublisher {
  private readonly uplink: GroupUplink;
  private readonly clock = new CaptureClock();
  private readonly rate = new RateControl();
  private readonly load = new LoadControl();
  private encoder: VideoEncoder | null = null;
  private config: VideoEncoderConfig | null = null;
  private last: VideoFrame | null = null;
  private repeatTimer: ReturnType<typeof setTimeout> | undefined;
  private wantKeyframe = true;
  private keyframeMs = -Infinity;
  private nextFrameMs = -Infinity;
  private cutsSeen = 0;
  private sentBytes = 0;
  private windowStartMs = 0;
  private readonly counts = { encoded: 0, skipped: 0, kbps: 0 };

  constructor(
    private readonly kind: MediaKind,
    private readonly codec: Codec,
    private quality: VideoQuality,
    /** Still pictures of text: sharpness before motion. */
    private readonly still: boolean,
    private readonly count: TrackCount,
    private readonly deps: VideoPublisherDeps,
  ) {
    this.uplink = new GroupUplink(deps.openGroup, deps.now, () => this.requestKeyframe());
  }

  setQuality(quality: VideoQuality): void {
    this.quality = quality;
  }

  /** A viewer needs a key frame, or the transport is a new one. */
  requestKeyframe(): void {
    this.wantKeyframe = true;
    if (this.still && this.last) this.repeat();
  }

  /** Takes the frame over. */
  push(frame: VideoFrame): void {
    const now = this.deps.now();
    const early = now < this.nextFrameMs;
    const full = (this.encoder?.encodeQueueSize ?? 0) > MAX_QUEUE;
    if (!early) this.load.push(full, now);
    if (early || full) {
      this.counts.skipped++;
      frame.close();
      return;
    }
    const interval = 1_000 / this.quality.fps;
    // Cameras jitter: half an interval of grace keeps 30 fps at 30.
    this.nextFrameMs = Math.max(this.nextFrameMs + interval, now - interval / 2);
    if (this.nextFrameMs > now + interval) this.nextFrameMs = now + interval;
    try {
      this.encode(frame, this.clock.map(frame.timestamp, now * 1_000), now);
    } catch (error) {
      this.deps.failed(error as Error);
    }
    this.remember(frame);
  }

  /** The transport is gone; the next one starts with a key frame. */
  interrupted(): void {
    this.uplink.end();
    this.wantKeyframe = true;
    this.keyframeMs = -Infinity;
  }

  close(): void {
    clearTimeout(this.repeatTimer);
    this.uplink.end();
    this.last?.close();
    this.last = null;
    if (this.encoder && this.encoder.state !== "closed") this.encoder.close();
    this.encoder = null;
  }

  get stats(): PublisherStats {
    return {
      framesEncoded: this.counts.encoded,
      framesSkipped: this.counts.skipped,
      width: this.config?.width ?? 0,
      height: this.config?.height ?? 0,
      kbps: this.counts.kbps,
      codec: this.codec.codec,
      cuts: this.uplink.cuts,
    };
  }

  private encode(frame: VideoFrame, captureUs: number, now: number): void {
    this.configure(frame, now);
    const groupMs = this.still ? SCREEN_GROUP_MS : CAMERA_GROUP_MS;
    const since = now - this.keyframeMs;
    const keyFrame = since > groupMs || (this.wantKeyframe && since > KEYFRAME_SPACING_MS);
    if (keyFrame) {
      this.wantKeyframe = false;
      this.keyframeMs = now;
    }
    // The encoder hands the timestamp back: the capture time itself travels.
    const stamped = new VideoFrame(frame, { timestamp: captureUs });
    this.encoder!.encode(stamped, { keyFrame });
    stamped.close();
  }

  private configure(frame: VideoFrame, now: number): void {
    const share = this.rate.update(
      this.uplink.backlogMs,
      this.uplink.cuts > this.cutsSeen,
      now,
    );
    this.cutsSeen = this.uplink.cuts;
    const size = encodedSize(
      frame.displayWidth,
      frame.displayHeight,
      this.quality.height * this.load.scale,
    );
    const bitrate = Math.round(this.quality.kbps * share) * 1_000;
    const old = this.config;
    if (
      this.encoder?.state === "configured" &&
      old?.width === size.width &&
      old.height === size.height &&
      old.bitrate === bitrate
    ) {
      return;
    }
    this.config = {
      codec: this.codec.codec,
      ...size,
      bitrate,
      framerate: this.quality.fps,
      latencyMode: "realtime",
      ...(this.codec.scalabilityMode && { scalabilityMode: this.codec.scalabilityMode }),
    };
    this.encoder ??= new VideoEncoder({
      output: (chunk, metadata) => this.output(chunk, metadata),
      error: (error) => this.deps.failed(error),
    });
    this.encoder.configure(this.config);
    if (old?.width === size.width && old.height === size.height) return;
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
    const packet = buildMedia(
      this.kind,
      0,
      {
        sequence: ++this.count.sequence,
        group: this.count.group,
        keyframe,
        temporalId,
        captureUs: chunk.timestamp,
        targetKbps: Math.round((this.config?.bitrate ?? 0) / 1_000),
        ...(keyframe && {
          codec: this.codec.codec,
          width: this.config!.width,
          height: this.config!.height,
        }),
      },
      { data, durationUs: 1e6 / this.quality.fps, redundant: [] },
    );
    this.uplink.send({ packet, keyframe, temporalId });
    this.measure(packet.length);
  }

  private measure(bytes: number): void {
    this.counts.encoded++;
    this.sentBytes += bytes;
    const now = this.deps.now();
    if (now - this.windowStartMs < 1_000) return;
    this.counts.kbps = Math.round((this.sentBytes * 8) / (now - this.windowStartMs));
    this.sentBytes = 0;
    this.windowStartMs = now;
  }

  private remember(frame: VideoFrame): void {
    if (!this.still) {
      frame.close();
      return;
    }
    this.last?.close();
    this.last = frame;
    clearTimeout(this.repeatTimer);
    this.repeatTimer = setTimeout(() => this.repeat(), REPEAT_MS);
  }

  /** The last picture once more, so that groups end and newcomers see it. */
  private repeat(): void {
    if (!this.last) return;
    const now = this.deps.now();
    const captureUs = this.clock.now(now * 1_000);
    try {
      this.encode(this.last, captureUs, now);
    } catch (error) {
      this.deps.failed(error as Error);
    }
    clearTimeout(this.repeatTimer);
    this.repeatTimer = setTimeout(() => this.repeat(), REPEAT_MS);
  }
}
