// SPDX-License-Identifier: MIT
// What this page tells its server of how it fares (HEALTH): the round trip, and
// of whose picture and sound something came since the last report. It names
// nobody to anybody else.
import { create, toBinary } from "@bufbuild/protobuf";
import { HealthPacketSchema, PeerStatsSchema, VideoStatsSchema } from "../proto/diagnostics_pb";
import { PacketType, buildPacket } from "./packets";

/** A server forwards the sound of so many at a time: of more, silence is no news. */
const HEARD_AT_ONCE = 8;

/** Whose picture or sound is on; what came of them so far. */
export interface Received {
  sessionId: number;
  /** The picture is on and on screen here. */
  wantsVideo: boolean;
  audio: boolean;
  framesDecoded: number;
  videoKbps: number;
  audioPackets: number;
}

interface Counted {
  framesDecoded: number;
  audioPackets: number;
  atMs: number;
}

export class HealthReporter {
  private last = new Map<number, Counted>();

  /** The packet to send. Of whoever is new since the last nothing is said yet. */
  report(nowMs: number, transport: string, rttMs: number, others: Received[]): Uint8Array {
    const peerStats: Record<string, ReturnType<typeof peer>> = {};
    const counted = new Map<number, Counted>();
    for (const one of others) {
      const { sessionId, framesDecoded, audioPackets } = one;
      const before = this.last.get(sessionId);
      counted.set(sessionId, { framesDecoded, audioPackets, atMs: nowMs });
      if (before) peerStats[String(sessionId)] = peer(one, before, nowMs, others.length);
    }
    this.last = counted;
    const message = create(HealthPacketSchema, {
      timestampMs: BigInt(Date.now()),
      activeServerType: transport,
      activeServerRttMs: rttMs,
      peerStats,
    });
    return buildPacket(PacketType.HEALTH, toBinary(HealthPacketSchema, message));
  }

  /** A new connection: what was counted says nothing any more. */
  reset(): void {
    this.last.clear();
  }
}

function peer(one: Received, before: Counted, nowMs: number, others: number) {
  const frames = one.framesDecoded - before.framesDecoded;
  const seconds = Math.max((nowMs - before.atMs) / 1_000, 0.001);
  return create(PeerStatsSchema, {
    videoEnabled: one.wantsVideo,
    canSee: frames > 0,
    audioEnabled: one.audio && others <= HEARD_AT_ONCE,
    canListen: one.audioPackets > before.audioPackets,
    videoStats: create(VideoStatsSchema, {
      fpsReceived: frames / seconds,
      framesDecoded: BigInt(Math.max(0, one.framesDecoded)),
      bitrateKbps: BigInt(Math.max(0, Math.round(one.videoKbps))),
    }),
  });
}
