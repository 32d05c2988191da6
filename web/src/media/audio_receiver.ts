// SPDX-License-Identifier: MIT
// Decodes one voice and feeds the worklet that plays it (worker).
import { parseMediaPayload, type FrameHeader } from "../net/packets";
import { AudioOrder, type EncodedSound } from "./audio_order";
import { JitterEstimator } from "./jitter";
import type { PersonClock } from "./lip_sync";
import type { PlayoutStats } from "./playout_buffer";
import type { PlayoutFeed, PlayoutReport } from "./playout_processor";

const SAMPLE_RATE = 48_000;
/** The contract: always decoded to two channels. */
const CHANNELS = 2;
/** Silent for so long: nobody speaks, whatever the last packet said. */
const QUIET_AFTER_MS = 300;

/** Facts of one remote voice, for the page and for tests. */
export interface AudioFacts {
  packets: number;
  framesDecoded: number;
  /** Frames that came back out of repetitions, and those that did not. */
  recovered: number;
  lost: number;
  /** RFC 6464; 127 when nothing comes. */
  level: number;
  speaking: boolean;
  playout: PlayoutStats | null;
}

export class AudioReceiver {
  lastPacketMs: number;
  private readonly order = new AudioOrder();
  private readonly jitter = new JitterEstimator();
  private decoder: AudioDecoder | null = null;
  private readonly inDecoder: EncodedSound[] = [];
  private port: MessagePort | null = null;
  private playout: PlayoutStats | null = null;
  private level = 127;
  private speaking = false;
  private packets = 0;
  private framesDecoded = 0;

  constructor(
    private readonly clock: PersonClock,
    private readonly now: () => number,
    /** From the worklet to the ear, in ms. */
    private readonly outputLatencyMs: () => number,
  ) {
    this.lastPacketMs = now();
  }

  attach(port: MessagePort): void {
    this.port?.close();
    this.port = port;
    port.onmessage = ({ data }: MessageEvent<PlayoutReport>) => {
      this.playout = data.stats;
      if (data.positionUs === null) return;
      const now = this.now();
      this.clock.audioAt(data.positionUs / 1_000, now + this.outputLatencyMs(), now);
    };
  }

  push(header: FrameHeader, data: Uint8Array): void {
    const now = this.now();
    this.lastPacketMs = now;
    this.packets++;
    this.level = header.audioLevel;
    this.speaking = header.speaking;
    this.jitter.push(header.captureUs / 1_000, now);
    this.clock.soundArrived(header.captureUs / 1_000, now);
    if (header.codec !== "" && header.codec !== "opus") return;
    const { data: payload, redundant } = parseMediaPayload(data);
    const packet = {
      sequence: header.sequence,
      captureUs: header.captureUs,
      data: payload,
      redundant,
    };
    for (const sound of this.order.push(packet)) this.decode(sound);
  }

  get facts(): AudioFacts {
    const quiet = this.now() - this.lastPacketMs > QUIET_AFTER_MS;
    return {
      packets: this.packets,
      framesDecoded: this.framesDecoded,
      recovered: this.order.recovered,
      lost: this.order.lost,
      level: quiet ? 127 : this.level,
      speaking: !quiet && this.speaking,
      playout: this.playout,
    };
  }

  close(): void {
    this.port?.close();
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
  }

  /** What the jitter needs, or more where the pictures come later. */
  private get targetMs(): number {
    const forPictures = this.clock.soundDelayMs - this.outputLatencyMs();
    return Math.max(this.jitter.targetMs, forPictures);
  }

  private decode(sound: EncodedSound): void {
    if (!this.decoder || this.decoder.state === "closed") this.decoder = this.create();
    this.inDecoder.push(sound);
    this.decoder.decode(
      new EncodedAudioChunk({
        type: "key",
        timestamp: sound.captureUs,
        data: sound.data,
      }),
    );
  }

  private create(): AudioDecoder {
    this.inDecoder.length = 0;
    const decoder = new AudioDecoder({
      output: (sound) => this.decoded(sound),
      error: (error) => console.warn("videocall: decoding sound failed", error),
    });
    decoder.configure({ codec: "opus", sampleRate: SAMPLE_RATE, numberOfChannels: CHANNELS });
    return decoder;
  }

  private decoded(sound: AudioData): void {
    this.framesDecoded++;
    const encoded = this.inDecoder.shift();
    if (this.port && encoded) {
      const channels = Array.from({ length: CHANNELS }, (_, c) => plane(sound, c));
      const feed: PlayoutFeed = {
        frame: { sequence: encoded.sequence, captureUs: encoded.captureUs, channels },
        targetMs: this.targetMs,
      };
      this.port.postMessage(feed, channels.map((channel) => channel.buffer));
    }
    sound.close();
  }
}

function plane(sound: AudioData, index: number): Float32Array<ArrayBuffer> {
  const planeIndex = Math.min(index, sound.numberOfChannels - 1);
  const samples = new Float32Array(sound.numberOfFrames);
  sound.copyTo(samples, { planeIndex, format: "f32-planar" });
  return samples;
}
