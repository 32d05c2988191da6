// SPDX-License-Identifier: MIT
// The audio graph of the page: the microphone's way into the worker and each
// person's way to the loudspeaker (window). Samples never touch this thread.
import captureUrl from "./capture_processor.ts?worker&url";
import { outputLatencyMs } from "./output_latency";
import playoutUrl from "./playout_processor.ts?worker&url";

const SAMPLE_RATE = 48_000;

interface Voice {
  node: AudioWorkletNode;
  /** For tests and whoever wants to look: it changes nothing. */
  analyser: AnalyserNode;
}

interface SinkContext extends AudioContext {
  setSinkId?(id: string): Promise<void>;
}

export class Sound {
  private readonly context: SinkContext;
  private readonly ready: Promise<void>;
  private readonly voices = new Map<number, Voice>();
  private microphone: AudioNode[] = [];

  constructor(changed: (running: boolean) => void) {
    this.context = new AudioContext({
      sampleRate: SAMPLE_RATE,
      latencyHint: "interactive",
    });
    this.ready = Promise.all([
      this.context.audioWorklet.addModule(captureUrl),
      this.context.audioWorklet.addModule(playoutUrl),
    ]).then(() => {});
    this.context.onstatechange = () => changed(this.running);
  }

  get running(): boolean {
    return this.context.state === "running";
  }

  /** Browsers start sound only after the person did something. */
  async resume(): Promise<void> {
    if (!this.running) await this.context.resume().catch(() => {});
  }

  /** From the graph to the ear, in ms. */
  get outputLatencyMs(): number {
    return outputLatencyMs(this.context, navigator.userAgent);
  }

  /** Gives the port on which the microphone's CapturedSound arrives. */
  async listen(track: MediaStreamTrack): Promise<MessagePort> {
    await this.ready;
    this.unlisten();
    const source = this.context.createMediaStreamSource(new MediaStream([track]));
    const node = new AudioWorkletNode(this.context, "capture", {
      numberOfInputs: 1,
      numberOfOutputs: 1,
    });
    const { port1, port2 } = new MessageChannel();
    node.port.postMessage(port1, [port1]);
    // A node that leads nowhere is not run; this one gives silence.
    source.connect(node).connect(this.context.destination);
    this.microphone = [source, node];
    return port2;
  }

  unlisten(): void {
    for (const node of this.microphone) node.disconnect();
    this.microphone = [];
  }

  /** Gives the port on which the worker feeds this person's sound. */
  async addVoice(sessionId: number): Promise<MessagePort> {
    await this.ready;
    this.removeVoice(sessionId);
    const node = new AudioWorkletNode(this.context, "playout", {
      numberOfInputs: 0,
      numberOfOutputs: 1,
      outputChannelCount: [2],
    });
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 8_192;
    analyser.smoothingTimeConstant = 0;
    node.connect(analyser).connect(this.context.destination);
    const { port1, port2 } = new MessageChannel();
    node.port.postMessage(port1, [port1]);
    this.voices.set(sessionId, { node, analyser });
    return port2;
  }

  removeVoice(sessionId: number): void {
    const voice = this.voices.get(sessionId);
    if (!voice) return;
    voice.node.port.postMessage(null);
    voice.node.disconnect();
    voice.analyser.disconnect();
    this.voices.delete(sessionId);
  }

  analyser(sessionId: number): AnalyserNode | null {
    return this.voices.get(sessionId)?.analyser ?? null;
  }

  get canChooseSpeaker(): boolean {
    return typeof this.context.setSinkId === "function";
  }

  async setSpeaker(id: string): Promise<void> {
    await this.context.setSinkId?.(id).catch(() => {});
  }
}
