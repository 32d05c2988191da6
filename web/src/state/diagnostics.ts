// SPDX-License-Identifier: MIT
// window.__videocall: facts for tests and for whoever debugs a call in the
// console. Read-only; the page itself never uses it.
//
//   sessionId   number, 0 before the server assigned one
//   phase       the connection in words: joining, connecting, connected,
//               reconnecting, ended, refused, unsupported
//   transport   "webtransport" or "websocket" while connected, else ""
//   rttMs       smoothed round trip to the server; 0: not measured yet
//   members     [{sessionId, userId, displayName, video, audio, screen, …}],
//               without oneself
//   peers       [{sessionId, video, screen, audio}], each null until media
//               came; video: VideoFacts (framesDecoded, framesDrawn,
//               lastCaptureMs, width, height, codec, skewMs, …); audio:
//               AudioFacts (framesDecoded, level, recovered, lost, playout)
//   sending     {video, screen: PublisherStats | null, audioPackets}
//   milestones  {clicked, joined, connected, assigned, received, decoded,
//               drawn}: ms of the wall clock, each once it is passed
//   sound       "running", or "suspended" until the browser allows sound
//   canvas(id, kind = "video")   the canvas that shows a person, or null
//   pixels(id, kind = "video")   promises its picture now: ImageData, or null
//   frequency(id)   loudest frequency of what is played of a person, in Hz,
//                   with its level in dB: {hz, db}, or null without sound
import type { PictureKind } from "../media/messages";
import { bridge, store } from "./actions";

const diagnostics = {
  get sessionId() {
    return store.get().sessionId;
  },
  get phase() {
    return store.get().phase.name;
  },
  get transport() {
    const { phase } = store.get();
    return phase.name === "connected" ? phase.transport : "";
  },
  get rttMs() {
    return store.get().facts?.rttMs ?? 0;
  },
  get members() {
    return store.get().members;
  },
  get peers() {
    return store.get().facts?.peers ?? [];
  },
  get sending() {
    const facts = store.get().facts;
    return {
      video: facts?.video ?? null,
      screen: facts?.screen ?? null,
      audioPackets: facts?.audioPacketsSent ?? 0,
    };
  },
  get milestones() {
    return store.get().milestones;
  },
  get sound() {
    return bridge.soundRunning ? "running" : "suspended";
  },
  canvas(sessionId: number, kind: PictureKind = "video") {
    return bridge.hasCanvas(sessionId, kind);
  },
  pixels(sessionId: number, kind: PictureKind = "video"): Promise<ImageData | null> {
    return bridge.pixels(sessionId, kind);
  },
  frequency(sessionId: number): { hz: number; db: number } | null {
    const analyser = bridge.analyser(sessionId);
    return analyser && loudest(analyser);
  },
};

/** The peak of the spectrum, between the bins by a parabola through three. */
function loudest(analyser: AnalyserNode): { hz: number; db: number } {
  const spectrum = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(spectrum);
  let peak = 1;
  for (let i = 1; i < spectrum.length - 1; i++) {
    if (spectrum[i]! > spectrum[peak]!) peak = i;
  }
  const [left, top, right] = [spectrum[peak - 1]!, spectrum[peak]!, spectrum[peak + 1]!];
  const curve = left - 2 * top + right;
  const shift = Number.isFinite(curve) && curve !== 0 ? (left - right) / (2 * curve) : 0;
  const hz = ((peak + shift) * analyser.context.sampleRate) / analyser.fftSize;
  return { hz, db: top };
}

export function exposeDiagnostics(): void {
  Object.defineProperty(window, "__videocall", {
    value: Object.freeze(diagnostics),
    writable: false,
  });
}
