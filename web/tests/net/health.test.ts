// SPDX-License-Identifier: MIT
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import { HealthReporter, type Received } from "../../src/net/health";
import { PacketType, parsePacket } from "../../src/net/packets";
import { HealthPacketSchema } from "../../src/proto/diagnostics_pb";

const person = (sessionId: number, change: Partial<Received> = {}): Received => ({
  sessionId,
  wantsVideo: true,
  audio: true,
  framesDecoded: 100,
  videoKbps: 400.4,
  audioPackets: 500,
  ...change,
});

function read(bytes: Uint8Array) {
  const packet = parsePacket(bytes);
  expect(packet.type).toBe(PacketType.HEALTH);
  return fromBinary(HealthPacketSchema, packet.data);
}

describe("health", () => {
  it("says how far the server is, and nothing of who is new", () => {
    const health = read(new HealthReporter().report(0, "webtransport", 12.5, [person(1)]));
    expect(health.activeServerRttMs).toBe(12.5);
    expect(health.activeServerType).toBe("webtransport");
    expect(health.peerStats).toEqual({});
  });

  it("tells whose picture and sound came since the last report", () => {
    const reporter = new HealthReporter();
    reporter.report(0, "websocket", 1, [person(1), person(2)]);
    const health = read(
      reporter.report(10_000, "websocket", 1, [
        person(1, { framesDecoded: 400, audioPackets: 1_000 }),
        person(2),
      ]),
    );
    const [seen, unseen] = [health.peerStats["1"]!, health.peerStats["2"]!];
    expect([seen.canSee, seen.canListen]).toEqual([true, true]);
    expect(seen.videoStats!.fpsReceived).toBeCloseTo(30);
    expect(seen.videoStats!.bitrateKbps).toBe(400n);
    expect([unseen.videoEnabled, unseen.canSee]).toEqual([true, false]);
    expect([unseen.audioEnabled, unseen.canListen]).toEqual([true, false]);
  });

  it("misses no sound where not everybody is heard, and no picture off screen", () => {
    const reporter = new HealthReporter();
    const all = Array.from({ length: 9 }, (_, i) => person(i + 1, { wantsVideo: false }));
    reporter.report(0, "webtransport", 1, all);
    const health = read(reporter.report(10_000, "webtransport", 1, all));
    for (const one of Object.values(health.peerStats)) {
      expect(one.audioEnabled).toBe(false);
      expect(one.videoEnabled).toBe(false);
    }
  });

  it("starts anew after a new connection", () => {
    const reporter = new HealthReporter();
    reporter.report(0, "webtransport", 1, [person(1)]);
    reporter.reset();
    expect(read(reporter.report(1_000, "webtransport", 1, [person(1)])).peerStats).toEqual({});
  });
});
