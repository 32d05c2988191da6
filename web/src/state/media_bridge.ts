// SPDX-License-Identifier: MIT
// The page's side of the media worker: hands it tracks, canvases and ports,
// and turns what it says into state. One per page.
import { FramePump } from "../media/frame_pump";
import { frameStream } from "../media/capture";
import type { FromWorker, PictureKind, TileOnScreen, ToWorker } from "../media/messages";
import { Sound } from "../media/sound";
import { pictureKey } from "./app";

export type WorkerListener = (message: FromWorker) => void;
export type LoudnessListener = (levels: ReadonlyMap<number, number>) => void;

const LATENCY_REPORT_MS = 1_000;

export class MediaBridge {
  private readonly worker: Worker;
  private sound: Sound | null = null;
  private readonly canvases = new Map<string, HTMLCanvasElement>();
  private readonly pumps = new Map<PictureKind, FramePump>();
  private readonly loudnessListeners = new Set<LoudnessListener>();
  private readonly levels = new Map<number, number>();

  constructor(
    private readonly listener: WorkerListener,
    private readonly soundChanged: (running: boolean) => void,
  ) {
    this.worker = new Worker(new URL("../media/worker.ts", import.meta.url), {
      type: "module",
      name: "media",
    });
    this.worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.receive(data);
    setInterval(() => this.reportLatency(), LATENCY_REPORT_MS);
  }

  send(message: ToWorker, transfer: Transferable[] = []): void {
    this.worker.postMessage(message, transfer);
  }

  start(call: Omit<Extract<ToWorker, { type: "start" }>, "type">): void {
    this.canvases.clear();
    this.levels.clear();
    this.send({ type: "start", ...call });
    this.reportLatency();
  }

  /** Browsers start sound only after the person did something. */
  resumeSound(): void {
    void this.ensureSound().resume();
  }

  get soundRunning(): boolean {
    return this.sound?.running ?? false;
  }

  async microphone(track: MediaStreamTrack | null): Promise<void> {
    if (!track) {
      this.sound?.unlisten();
      this.send({ type: "microphone", port: null });
      return;
    }
    const sound = this.ensureSound();
    const port = await sound.listen(track);
    this.send({ type: "microphone", port }, [port]);
    void sound.resume();
  }

  picture(kind: PictureKind, track: MediaStreamTrack | null): void {
    this.pumps.get(kind)?.stop();
    this.pumps.delete(kind);
    if (!track) {
      this.send({ type: "track-off", kind });
      return;
    }
    const frames = frameStream(track);
    if (frames) {
      this.send({ type: "track-on", kind, frames }, [frames]);
      return;
    }
    this.send({ type: "track-on", kind, frames: null });
    const pump = new FramePump(track, (frame, grabbed) =>
      this.send({ type: "frame", kind, frame, grabbed }, [frame]),
    );
    this.pumps.set(kind, pump);
  }

  /** The canvas that shows a person; the same one each time. */
  canvas(sessionId: number, kind: PictureKind): HTMLCanvasElement {
    const key = pictureKey(sessionId, kind);
    let canvas = this.canvases.get(key);
    if (!canvas) {
      canvas = document.createElement("canvas");
      canvas.width = 640;
      canvas.height = 360;
      this.canvases.set(key, canvas);
      const offscreen = canvas.transferControlToOffscreen();
      this.send({ type: "canvas", sessionId, kind, canvas: offscreen }, [offscreen]);
    }
    return canvas;
  }

  hasCanvas(sessionId: number, kind: PictureKind): HTMLCanvasElement | null {
    return this.canvases.get(pictureKey(sessionId, kind)) ?? null;
  }

  /**
   * The picture of a person as the worker drew it. The page never reads its own
   * canvas: for that Firefox stops the page until the worker answers, or 10 s
   * where the worker waits for the page.
   */
  pixels(sessionId: number, kind: PictureKind): Promise<ImageData | null> {
    const { port1, port2 } = new MessageChannel();
    return new Promise((resolve) => {
      port1.onmessage = ({ data }: MessageEvent<ImageData | null>) => {
        port1.close();
        resolve(data);
      };
      this.send({ type: "pixels", sessionId, kind, port: port2 }, [port2]);
    });
  }

  forget(sessionId: number): void {
    for (const kind of ["video", "screen"]) this.canvases.delete(pictureKey(sessionId, kind));
    this.levels.delete(sessionId);
    this.send({ type: "forget", sessionId });
  }

  viewport(tiles: TileOnScreen[]): void {
    this.send({ type: "viewport", tiles });
  }

  analyser(sessionId: number): AnalyserNode | null {
    return this.sound?.analyser(sessionId) ?? null;
  }

  get canChooseSpeaker(): boolean {
    return this.ensureSound().canChooseSpeaker;
  }

  setSpeaker(id: string): void {
    if (this.sound || id !== "") void this.ensureSound().setSpeaker(id);
  }

  /** RFC 6464 levels by session id (0: oneself), ten times a second. */
  onLoudness(listener: LoudnessListener): () => void {
    this.loudnessListeners.add(listener);
    return () => this.loudnessListeners.delete(listener);
  }

  level(sessionId: number): number {
    return this.levels.get(sessionId) ?? 127;
  }

  private receive(message: FromWorker): void {
    switch (message.type) {
      case "need-playout":
        void this.addVoice(message.sessionId);
        return;
      case "drop-playout":
        this.sound?.removeVoice(message.sessionId);
        return;
      case "grab":
        this.pumps.get(message.kind)?.grab();
        return;
      case "loudness":
        for (const { sessionId, level } of message.levels) this.levels.set(sessionId, level);
        for (const listener of this.loudnessListeners) listener(this.levels);
        break;
    }
    this.listener(message);
  }

  private async addVoice(sessionId: number): Promise<void> {
    const port = await this.ensureSound().addVoice(sessionId);
    this.send({ type: "playout", sessionId, port }, [port]);
  }

  private ensureSound(): Sound {
    this.sound ??= new Sound(this.soundChanged);
    return this.sound;
  }

  private reportLatency(): void {
    if (!this.sound) return;
    this.send({ type: "output-latency", ms: this.sound.outputLatencyMs });
  }
}
