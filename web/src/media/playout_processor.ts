// SPDX-License-Identifier: MIT
// The audio worklet that plays one voice: a PlayoutBuffer fed by the media
// worker through a port of its own, so that the page's thread has no part in it.
import { PlayoutBuffer, type PlayoutStats, type SoundFrame } from "./playout_buffer";

/** Worker to worklet. */
export interface PlayoutFeed {
  frame: SoundFrame;
  targetMs: number;
}

/** Worklet to worker, every 50 ms or so. */
export interface PlayoutReport {
  /** Capture time of what leaves the worklet now; null while silent. */
  positionUs: number | null;
  stats: PlayoutStats;
}

/** Quanta of 128 samples between two reports. */
const REPORT_QUANTA = 19;

class PlayoutProcessor extends AudioWorkletProcessor {
  private readonly buffer = new PlayoutBuffer();
  private feed: MessagePort | null = null;
  private quanta = 0;
  private over = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<MessagePort | null>) => {
      this.feed?.close();
      this.feed = data;
      this.over = data === null;
      if (!data) return;
      data.onmessage = ({ data: fed }: MessageEvent<PlayoutFeed>) => {
        this.buffer.targetMs = fed.targetMs;
        this.buffer.push(fed.frame);
      };
    };
  }

  override process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    if (this.over) return false;
    this.buffer.pull(outputs[0]!);
    if (++this.quanta % REPORT_QUANTA === 0) {
      const report: PlayoutReport = {
        positionUs: this.buffer.positionUs,
        stats: this.buffer.stats,
      };
      this.feed?.postMessage(report);
    }
    return true;
  }
}

registerProcessor("playout", PlayoutProcessor);
