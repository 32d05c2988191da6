// SPDX-License-Identifier: MIT
// The media worker's door: messages in, messages out, nothing else. It starts
// while the lobby shows, so that codecs are probed before anybody joins.
import { Call } from "./call";
import type { FromWorker, ToWorker } from "./messages";
import { Publisher } from "./publisher";

const scope = self as unknown as DedicatedWorkerGlobalScope;
const post = (message: FromWorker) => scope.postMessage(message);

let call: Call | null = null;
const publisher = new Publisher({
  now: () => performance.now(),
  transport: () => call?.transport ?? null,
  changed: () => call?.sendState(),
  loudness: (level, speaking) => {
    if (call) call.loudness(level, speaking);
    else post({ type: "loudness", levels: [{ sessionId: 0, level, speaking }] });
  },
  way: () => call?.way ?? { rttMs: 0, leastRttMs: 0, lostShare: 0 },
  grab: (kind) => post({ type: "grab", kind }),
  failed: (kind, reason) => post({ type: "track-failed", kind, reason }),
});

scope.onmessage = ({ data: message }: MessageEvent<ToWorker>) => {
  switch (message.type) {
    case "start":
      call?.leave();
      call = new Call(message, publisher, post);
      return;
    case "leave":
      call?.leave();
      return;
    case "poke":
      call?.poke();
      return;
    case "track-on":
      void publisher.trackOn(message.kind, message.frames);
      return;
    case "track-off":
      publisher.trackOff(message.kind);
      return;
    case "frame":
      publisher.frame(message.kind, message.frame, message.grabbed);
      return;
    case "microphone":
      publisher.microphone(message.port);
      return;
    case "audio-enabled":
      publisher.enableAudio(message.enabled);
      return;
    case "hand":
      call?.hand(message.raised);
      return;
    case "chat":
      call?.chat(message.text);
      return;
    case "reaction":
      call?.reaction(message.kind);
      return;
    case "viewport":
      call?.viewport(message.tiles);
      return;
    case "canvas":
      call?.people.canvas(message.sessionId, message.kind, message.canvas);
      return;
    case "forget":
      call?.people.forgetCanvases(message.sessionId);
      return;
    case "playout":
      call?.people.playout(message.sessionId, message.port);
      return;
    case "output-latency":
      if (call) call.people.outputLatencyMs = message.ms;
      return;
    case "pixels":
      message.port.postMessage(call?.people.pixels(message.sessionId, message.kind) ?? null);
      return;
  }
};
