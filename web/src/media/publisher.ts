// SPDX-License-Identifier: MIT
// All that this person sends: microphone, camera, screen (worker).
import { MediaKind } from "../net/packets";
import type { Transport } from "../net/transport";
import { AudioPublisher } from "./audio_publisher";
import type { CapturedSound } from "./capture_processor";
import { probeCodec, type Codec } from "./codec_probe";
import type { LayerCount } from "./layer_encoder";
import { CAMERA, SCREEN, highestLayer } from "./layers";
import type { PictureKind } from "./messages";
import { VideoPublisher, type VideoPublisherDeps } from "./video_publisher";

/** A frame callback that was silent for so long is asleep. */
const ASLEEP_MS = 120;

export interface PublisherDeps {
  now(): number;
  /** null while there is no session. */
  transport(): Transport | null;
  /** Our own flags changed. */
  changed(): void;
  loudness(level: number, speaking: boolean): void;
  grab(kind: PictureKind): void;
  way: VideoPublisherDeps["way"];
  failed(kind: PictureKind | "audio", reason: string): void;
}

interface Track {
  publisher: VideoPublisher;
  /** null: frames come one by one, and may need asking for. */
  reader: ReadableStreamDefaultReader<VideoFrame> | null;
  /** When the last frame came of itself. */
  lastFrameMs: number;
}

export class Publisher {
  speaking = false;
  private readonly tracks = new Map<PictureKind, Track>();
  /** Counts the times that a track was turned on or off. */
  private readonly turns = new Map<PictureKind, number>();
  /** Which layers of a kind anybody looks at; missing: not told. */
  private readonly wanted = new Map<PictureKind, number[]>();
  private readonly counts: Record<PictureKind, LayerCount[]> = {
    video: CAMERA.map(() => ({ sequence: 0, group: 0 })),
    screen: SCREEN.map(() => ({ sequence: 0, group: 0 })),
  };
  private readonly audioCount = { sequence: 0 };
  private readonly codec: Promise<Codec>;
  private audio: AudioPublisher | null = null;
  private audioEnabled = true;
  private maxLayer = 1;

  constructor(private readonly deps: PublisherDeps) {
    this.codec = probeCodec(navigator.hardwareConcurrency);
    void this.codec.then((codec) => {
      this.maxLayer = highestLayer(navigator.hardwareConcurrency, codec.encodeMs);
    });
  }

  get flags(): { audio: boolean; video: boolean; screen: boolean } {
    return {
      audio: this.audio !== null && this.audioEnabled,
      video: this.tracks.has("video"),
      screen: this.tracks.has("screen"),
    };
  }

  stats(kind: PictureKind) {
    return this.tracks.get(kind)?.publisher.stats ?? null;
  }

  get audioPacketsSent(): number {
    return this.audio?.packetsSent ?? 0;
  }

  microphone(port: MessagePort | null): void {
    this.audio?.close();
    this.audio = null;
    if (port) this.listen(port);
    this.deps.changed();
  }

  enableAudio(enabled: boolean): void {
    this.audioEnabled = enabled;
    if (this.audio) this.audio.enabled = enabled;
    this.deps.changed();
  }

  async trackOn(kind: PictureKind, frames: ReadableStream<VideoFrame> | null): Promise<void> {
    const turn = this.newTurn(kind);
    const codec = await this.codec;
    // It was turned off, or on again, meanwhile.
    if (this.turns.get(kind) !== turn) return void frames?.cancel();
    this.trackOff(kind);
    this.turns.set(kind, turn);
    const track: Track = {
      publisher: this.createVideo(kind, codec),
      reader: frames?.getReader() ?? null,
      lastFrameMs: this.deps.now(),
    };
    this.tracks.set(kind, track);
    this.deps.changed();
    if (track.reader) void this.pump(kind, track, track.reader);
  }

  trackOff(kind: PictureKind): void {
    this.newTurn(kind);
    const track = this.tracks.get(kind);
    if (!track) return;
    this.tracks.delete(kind);
    track.reader?.cancel().catch(() => {});
    track.publisher.close();
    this.deps.changed();
  }

  /** Takes the frame over. */
  frame(kind: PictureKind, frame: VideoFrame, grabbed: boolean): void {
    const track = this.tracks.get(kind);
    // Until frames come of themselves again, each tick asks for one.
    if (track && !grabbed) track.lastFrameMs = this.deps.now();
    if (track) this.take(kind, track, frame);
    else frame.close();
  }

  requestKeyframe(kind: PictureKind, layer: number): void {
    this.tracks.get(kind)?.publisher.requestKeyframe(layer);
  }

  /** Layers that nobody looks at are not encoded. */
  setWanted(kind: PictureKind, layers: number[]): void {
    this.wanted.set(kind, layers);
    this.tracks.get(kind)?.publisher.setWanted(layers);
  }

  /** The transport is gone; the next one is another stream of everything. */
  interrupted(): void {
    this.wanted.clear();
    this.audio?.interrupted();
    for (const { publisher } of this.tracks.values()) {
      publisher.setWanted(null);
      publisher.interrupted();
    }
  }

  /** About 30 times a second: wakes frame callbacks of hidden pages, and looks
   * how long packets wait. */
  tick(): void {
    const now = this.deps.now();
    for (const [kind, track] of this.tracks) {
      void track.publisher.backlogMs;
      if (!track.reader && now - track.lastFrameMs > ASLEEP_MS) this.deps.grab(kind);
    }
  }

  close(): void {
    for (const kind of [...this.tracks.keys()]) this.trackOff(kind);
    this.audio?.close();
    this.audio = null;
  }

  private newTurn(kind: PictureKind): number {
    const turn = (this.turns.get(kind) ?? 0) + 1;
    this.turns.set(kind, turn);
    return turn;
  }

  private listen(port: MessagePort): void {
    try {
      const audio = this.createAudio();
      port.onmessage = ({ data }: MessageEvent<CapturedSound>) => {
        if (this.audio === audio) audio.push(data);
        else port.close();
      };
    } catch (error) {
      this.deps.failed("audio", String(error));
    }
  }

  private createAudio(): AudioPublisher {
    const audio = new AudioPublisher(this.audioCount, {
      send: (packet) => this.deps.transport()?.sendDatagram(packet),
      now: this.deps.now,
      level: (level, speaking) => {
        this.deps.loudness(level, speaking);
        if (speaking === this.speaking) return;
        this.speaking = speaking;
        this.deps.changed();
      },
      failed: (error) => this.deps.failed("audio", error.message),
    });
    audio.enabled = this.audioEnabled;
    this.audio = audio;
    return audio;
  }

  private createVideo(kind: PictureKind, codec: Codec): VideoPublisher {
    const isScreen = kind === "screen";
    return new VideoPublisher(
      {
        kind: isScreen ? MediaKind.SCREEN : MediaKind.VIDEO,
        specs: isScreen ? SCREEN : CAMERA,
        still: isScreen,
        maxLayer: this.maxLayer,
        counts: this.counts[kind],
      },
      codec,
      this.wanted.get(kind) ?? null,
      {
        openGroup: () => this.deps.transport()?.openGroup() ?? null,
        now: this.deps.now,
        way: this.deps.way,
        failed: (error) => {
          this.trackOff(kind);
          this.deps.failed(kind, error.message);
        },
      },
    );
  }

  private async pump(
    kind: PictureKind,
    track: Track,
    reader: ReadableStreamDefaultReader<VideoFrame>,
  ): Promise<void> {
    for (;;) {
      const next = await reader.read().catch(() => null);
      if (next === null || next.done) break;
      this.take(kind, track, next.value);
    }
    if (this.tracks.get(kind) === track) this.trackOff(kind);
  }

  private take(kind: PictureKind, track: Track, frame: VideoFrame): void {
    const live = this.tracks.get(kind) === track && this.deps.transport() !== null;
    if (live) track.publisher.push(frame);
    else frame.close();
  }
}
