// SPDX-License-Identifier: MIT
// Encodes the microphone and sends it, one datagram per 20 ms (worker).
import { MediaKind, buildMedia } from "../net/packets";
import { CaptureClock } from "./capture_clock";
import type { CapturedSound } from "./capture_processor";
import { SpeakingDetector, audioLevel } from "./level";

export const SAMPLE_RATE = 48_000;
const FRAME_US = 20_000;
const BITRATE = 32_000;
const REDUNDANT_FRAMES = 2;
const MAX_DATAGRAM_BYTES = 1_000;
/** Frames further apart than this had a pause between them. */
const PAUSE_US = 60_000;
/** What the contract repeats on the first packet of a group. */
const CODEC = "opus";

export interface AudioPublisherDeps {
  send(packet: Uint8Array): void;
  /** ms on the worker's clock. */
  now(): number;
  /** The microphone's level, about 50 times a second, muted or not. */
  level(level: number, speaking: boolean): void;
  failed(error: Error): void;
}

interface Captured {
  captureUs: number;
  level: number;
  speaking: boolean;
}

export class AudioPublisher {
  enabled = true;
  private readonly clock = new CaptureClock();
  private readonly speech = new SpeakingDetector();
  private encoder: AudioEncoder;
  private readonly inEncoder: Captured[] = [];
  /** The frames before, newest first. */
  private history: Uint8Array[] = [];
  private lastCaptureUs = -Infinity;
  private first = true;
  packetsSent = 0;

  constructor(
    /** Counts on for the whole session, whichever microphone it is. */
    private readonly count: { sequence: number },
    private readonly deps: AudioPublisherDeps,
  ) {
    this.encoder = this.create();
  }

  push(sound: CapturedSound): void {
    const captureUs = this.clock.map(sound.timestampUs, this.deps.now() * 1_000);
    const level = audioLevel(sound.samples);
    const speaking = this.speech.push(this.enabled ? level : 127);
    this.deps.level(level, speaking);
    if (!this.enabled || this.encoder.state !== "configured") return;
    this.inEncoder.push({ captureUs, level, speaking });
    const data = new AudioData({
      format: "f32-planar",
      sampleRate: SAMPLE_RATE,
      numberOfFrames: sound.samples.length,
      numberOfChannels: 1,
      timestamp: captureUs,
      data: sound.samples,
    });
    this.encoder.encode(data);
    data.close();
  }

  /** The transport is a new one: say the codec again. */
  interrupted(): void {
    this.first = true;
    this.history = [];
  }

  close(): void {
    if (this.encoder.state !== "closed") this.encoder.close();
  }

  private create(): AudioEncoder {
    const encoder = new AudioEncoder({
      output: (chunk) => this.output(chunk),
      error: (error) => this.deps.failed(error),
    });
    encoder.configure({
      codec: CODEC,
      sampleRate: SAMPLE_RATE,
      numberOfChannels: 1,
      bitrate: BITRATE,
      opus: { frameDuration: FRAME_US },
    });
    return encoder;
  }

  private output(chunk: EncodedAudioChunk): void {
    const captured = this.inEncoder.shift();
    if (!captured) return;
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    if (captured.captureUs - this.lastCaptureUs > PAUSE_US) this.history = [];
    this.lastCaptureUs = captured.captureUs;
    this.deps.send(this.build(data, captured));
    this.packetsSent++;
    this.history = [data, ...this.history].slice(0, REDUNDANT_FRAMES);
  }

  private build(data: Uint8Array, captured: Captured): Uint8Array {
    const header = {
      sequence: ++this.count.sequence,
      group: 1,
      captureUs: captured.captureUs,
      audioLevel: captured.level,
      speaking: captured.speaking,
      ...(this.first && { codec: CODEC }),
    };
    this.first = false;
    for (let repeat = this.history.length; ; repeat--) {
      const redundant = this.history.slice(0, repeat);
      const payload = { data, durationUs: FRAME_US, redundant };
      const packet = buildMedia(MediaKind.AUDIO, 0, header, payload);
      if (packet.length <= MAX_DATAGRAM_BYTES || repeat === 0) return packet;
    }
  }
}
