// SPDX-License-Identifier: MIT
// MEETING and SESSION_ASSIGNED read into plain values
// (docs/wire-protocol.md, sections 3 and 6).
import { fromBinary } from "@bufbuild/protobuf";
import {
  MeetingPacketSchema,
  MeetingPacket_MeetingEventType,
  MemberRole,
} from "../proto/meeting_pb";
import { LayerHintSchema } from "../proto/choice_pb";
import { SessionAssignedSchema } from "../proto/session_pb";
import type { MediaKind, MemberFlags } from "./packets";

export { MeetingPacket_MeetingEventType as MeetingEvent, MemberRole };

export interface MeetingNews {
  event: MeetingPacket_MeetingEventType;
  /** The member that it is about; 0 for none. */
  sessionId: number;
  userId: string;
  displayName: string;
  participantCount: number;
  message: string;
  isGuest: boolean;
  role: MemberRole;
  /** null when the server said nothing of it. */
  flags: MemberFlags | null;
}

export interface Assigned {
  serverId: string;
  resumeSecret: Uint8Array;
  maxDatagramBytes: number;
  heartbeatSeconds: number;
}

/** How much of one of our tracks anybody wants. */
export interface LayerWish {
  kind: MediaKind;
  layers: number[];
}

const utf8 = new TextDecoder();

export function parseMeeting(data: Uint8Array): MeetingNews {
  const packet = fromBinary(MeetingPacketSchema, data);
  const state = packet.state;
  return {
    event: packet.eventType,
    sessionId: Number(packet.sessionId),
    userId: utf8.decode(packet.targetUserId),
    displayName: utf8.decode(packet.displayName),
    participantCount: Number(packet.participantCount),
    message: packet.message,
    isGuest: packet.isGuest,
    role: packet.role,
    flags: state
      ? {
          video: state.videoEnabled,
          audio: state.audioEnabled,
          screen: state.screenEnabled,
          speaking: state.speaking,
          handRaised: state.handRaised,
          displayName: state.displayName,
        }
      : null,
  };
}

export function parseAssigned(data: Uint8Array): Assigned {
  const packet = fromBinary(SessionAssignedSchema, data);
  return {
    serverId: packet.serverId,
    resumeSecret: packet.resumeSecret.slice(),
    maxDatagramBytes: packet.maxDatagramBytes,
    heartbeatSeconds: packet.heartbeatS,
  };
}

export function parseLayerHint(data: Uint8Array): LayerWish[] {
  return fromBinary(LayerHintSchema, data).entries.map((entry) => ({
    kind: entry.mediaKind,
    layers: entry.requestedLayers,
  }));
}
