// SPDX-License-Identifier: MIT
// The audio worklet that reads the microphone: one message per 20 ms of mono
// sound at 48 kHz, to whichever port the page hands in.

/** Worklet to worker (and to the level meter of the lobby). */
export interface CapturedSound {
  samples: Float32Array<ArrayBuffer>;
  /** Capture time of the first sample on the audio context's clock, in µs. */
  timestampUs: number;
}

const OUT_RATE = 48_000;
const FRAME = 960;

class CaptureProcessor extends AudioWorkletProcessor {
  private readonly ports: MessagePort[] = [];
  private frame = new Float32Array(FRAME);
  private filled = 0;
  /** Where the next sample out lies, in input samples after the last block. */
  private phase = 0;
  private previous = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<MessagePort>) => this.ports.push(data);
  }

  override process(inputs: Float32Array[][]): boolean {
    const channels = inputs[0] ?? [];
    if (channels.length === 0) return true;
    const block = mixed(channels);
    if (sampleRate === OUT_RATE) {
      for (const sample of block) this.put(sample);
    } else {
      this.resample(block);
    }
    return true;
  }

  /** Straight lines between samples: only where a browser insists on its rate. */
  private resample(block: Float32Array): void {
    const step = sampleRate / OUT_RATE;
    for (; this.phase < block.length; this.phase += step) {
      const at = Math.floor(this.phase);
      const before = at === 0 ? this.previous : block[at - 1]!;
      this.put(before + (block[at]! - before) * (this.phase - at));
    }
    this.phase -= block.length;
    this.previous = block.at(-1)!;
  }

  private put(sample: number): void {
    this.frame[this.filled++] = sample;
    if (this.filled < FRAME) return;
    const timestampUs = Math.round(currentTime * 1e6) - 20_000;
    for (const port of this.ports) {
      const samples = this.frame.slice();
      port.postMessage({ samples, timestampUs } satisfies CapturedSound, [samples.buffer]);
    }
    this.filled = 0;
  }
}

function mixed(channels: Float32Array[]): Float32Array {
  if (channels.length === 1) return channels[0]!;
  return channels[0]!.map((sample, i) => (sample + channels[1]![i]!) / 2);
}

registerProcessor("capture", CaptureProcessor);
