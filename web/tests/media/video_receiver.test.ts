// SPDX-License-Identifier: MIT
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PersonClock } from "../../src/media/lip_sync";
import { VideoReceiver } from "../../src/media/video_receiver";
import type { FrameHeader } from "../../src/net/packets";

// Decodes whatever it is given, at once.
class Decoder {
  state = "unconfigured";
  decodeQueueSize = 0;
  constructor(private readonly init: { output(frame: unknown): void }) {}
  configure(): void {
    this.state = "configured";
  }
  decode(chunk: { timestamp: number }): void {
    this.init.output({ timestamp: chunk.timestamp, displayWidth: 320, displayHeight: 180, close() {} });
  }
  close(): void {
    this.state = "closed";
  }
}

describe("a receiver of video", () => {
  let now = 1_000;
  let sequence = 0;
  let requests: number[] = [];
  let receiver: VideoReceiver;

  const push = (keyframe: boolean): void =>
    receiver.push(
      {
        sequence: ++sequence,
        group: 1,
        keyframe,
        captureUs: now * 1_000,
        temporalId: 0,
        codec: "vp8",
        width: 320,
        height: 180,
      } as FrameHeader,
      0,
      new Uint8Array(0),
    );
  const wait = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 100) {
      now += 100;
      receiver.askIfSilent();
    }
  };

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("VideoDecoder", Decoder);
    vi.stubGlobal(
      "EncodedVideoChunk",
      class {
        timestamp: number;
        constructor(init: { timestamp: number }) {
          this.timestamp = init.timestamp;
        }
      },
    );
    now = 1_000;
    sequence = 0;
    requests = [];
    receiver = new VideoReceiver(new PersonClock(), {
      now: () => now,
      requestKeyframe: (layer) => requests.push(layer),
      milestone: () => {},
    });
  });
  afterEach(() => {
    receiver.close();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  test("asks for a key frame when nothing comes any more, once a second", () => {
    push(true);
    wait(500);
    expect(requests).toEqual([]);
    wait(200);
    expect(requests).toEqual([0]);
    wait(800);
    expect(requests).toEqual([0]);
    wait(400);
    expect(requests).toEqual([0, 0]);
  });

  test("asks for nothing while packets come", () => {
    push(true);
    for (let i = 0; i < 20; i++) {
      wait(300);
      push(false);
    }
    expect(requests).toEqual([]);
  });

  test("asks for nothing that is turned off or that nobody sees", () => {
    push(true);
    receiver.stop();
    wait(2_000);
    push(false);
    receiver.pause(true);
    wait(2_000);
    expect(requests).toEqual([]);
  });
});
