// SPDX-License-Identifier: MIT
// Packets built and read (docs/wire-protocol.md, sections 1 and 6). Everything
// else in the page sees numbers and strings, never protobuf's 64-bit integers.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ChatMessageSchema,
  ReactionSchema,
  Reaction_Kind,
  type ChatMessage,
} from "../proto/chat_pb";
import {
  KeyframeRequestSchema,
  LayerPreferenceSchema,
  LayerPreference_EntrySchema,
  ViewportSchema,
  Viewport_TileSchema,
} from "../proto/choice_pb";
import {
  MediaHeaderSchema,
  MediaPacketSchema,
  MediaPacket_MediaType,
  type MediaHeader,
} from "../proto/media_pb";
import { MediaKind, PacketType, PacketWrapperSchema } from "../proto/packet_wrapper_pb";
import { ConnectionPacketSchema, MemberStateSchema } from "../proto/session_pb";

export { MediaKind, PacketType, Reaction_Kind as ReactionKind };

/** What a person may see of another's camera and microphone. */
export interface MemberFlags {
  video: boolean;
  audio: boolean;
  screen: boolean;
  speaking: boolean;
  handRaised: boolean;
  displayName: string;
}

/** MediaHeader in plain numbers; see proto/media.proto for the meanings. */
export interface FrameHeader {
  sequence: number;
  group: number;
  keyframe: boolean;
  temporalId: number;
  captureUs: number;
  audioLevel: number;
  speaking: boolean;
  codec: string;
  width: number;
  height: number;
  targetKbps: number;
  keyEpoch: number;
}

/** One packet as it came; `data` shares the bytes that were read. */
export interface Packet {
  type: PacketType;
  userId: string;
  sessionId: number;
  layer: number;
  kind: MediaKind;
  header: FrameHeader | null;
  data: Uint8Array;
}

export interface MediaPayload {
  /** One encoded frame. */
  data: Uint8Array;
  durationUs: number;
  /** redundant[i] is the frame i+1 sequences earlier. */
  redundant: Uint8Array[];
}

export interface ViewportTile {
  sessionId: number;
  kind: MediaKind;
  /** Device pixels. */
  heightPx: number;
  pinned: boolean;
}

const utf8 = new TextDecoder();

/** Reads the envelope and the media header; throws on what does not parse. */
export function parsePacket(bytes: Uint8Array): Packet {
  const wrapper = fromBinary(PacketWrapperSchema, bytes);
  const header =
    wrapper.packetType === PacketType.MEDIA
      ? plainHeader(fromBinary(MediaHeaderSchema, wrapper.mediaHeader))
      : null;
  return {
    type: wrapper.packetType,
    userId: utf8.decode(wrapper.userId),
    sessionId: Number(wrapper.sessionId),
    layer: wrapper.simulcastLayerId,
    kind: wrapper.mediaKind,
    header,
    data: wrapper.data,
  };
}

function plainHeader(header: MediaHeader): FrameHeader {
  const { $typeName: _, $unknown: __, ...rest } = header;
  return {
    ...rest,
    sequence: Number(header.sequence),
    group: Number(header.group),
    captureUs: Number(header.captureUs),
  };
}

export function parseMediaPayload(data: Uint8Array): MediaPayload {
  const packet = fromBinary(MediaPacketSchema, data);
  return {
    data: packet.data,
    durationUs: packet.duration,
    redundant: packet.redundant,
  };
}

/** Any packet that is not media. */
export function buildPacket(type: PacketType, data: Uint8Array): Uint8Array {
  return toBinary(
    PacketWrapperSchema,
    create(PacketWrapperSchema, { packetType: type, data }),
  );
}

export function buildMedia(
  kind: MediaKind,
  layer: number,
  header: Partial<FrameHeader> & { sequence: number; group: number; captureUs: number },
  payload: MediaPayload,
): Uint8Array {
  const mediaHeader = toBinary(
    MediaHeaderSchema,
    create(MediaHeaderSchema, {
      ...header,
      sequence: BigInt(header.sequence),
      group: BigInt(header.group),
      captureUs: BigInt(Math.round(header.captureUs)),
    }),
  );
  const data = toBinary(
    MediaPacketSchema,
    create(MediaPacketSchema, {
      mediaType: mediaTypeOf(kind),
      data: payload.data,
      duration: payload.durationUs,
      redundant: payload.redundant,
    }),
  );
  return toBinary(
    PacketWrapperSchema,
    create(PacketWrapperSchema, {
      packetType: PacketType.MEDIA,
      data,
      simulcastLayerId: layer,
      mediaKind: kind,
      mediaHeader,
    }),
  );
}

function mediaTypeOf(kind: MediaKind): MediaPacket_MediaType {
  switch (kind) {
    case MediaKind.VIDEO:
      return MediaPacket_MediaType.VIDEO;
    case MediaKind.AUDIO:
      return MediaPacket_MediaType.AUDIO;
    case MediaKind.SCREEN:
      return MediaPacket_MediaType.SCREEN;
    default:
      return MediaPacket_MediaType.MEDIA_TYPE_UNKNOWN;
  }
}

export function buildConnection(meetingId: string, client: string): Uint8Array {
  const message = create(ConnectionPacketSchema, { meetingId, client });
  return buildPacket(PacketType.CONNECTION, toBinary(ConnectionPacketSchema, message));
}

export function buildMemberState(flags: MemberFlags): Uint8Array {
  const message = create(MemberStateSchema, {
    videoEnabled: flags.video,
    audioEnabled: flags.audio,
    screenEnabled: flags.screen,
    speaking: flags.speaking,
    handRaised: flags.handRaised,
    displayName: flags.displayName,
  });
  return buildPacket(PacketType.MEMBER_STATE, toBinary(MemberStateSchema, message));
}

export function parseMemberState(data: Uint8Array): MemberFlags {
  const state = fromBinary(MemberStateSchema, data);
  return {
    video: state.videoEnabled,
    audio: state.audioEnabled,
    screen: state.screenEnabled,
    speaking: state.speaking,
    handRaised: state.handRaised,
    displayName: state.displayName,
  };
}

export function buildViewport(tiles: ViewportTile[]): Uint8Array {
  const message = create(ViewportSchema, {
    tiles: tiles.map((tile) =>
      create(Viewport_TileSchema, {
        sessionId: BigInt(tile.sessionId),
        mediaKind: tile.kind,
        heightPx: tile.heightPx,
        pinned: tile.pinned,
      }),
    ),
  });
  return buildPacket(PacketType.VIEWPORT, toBinary(ViewportSchema, message));
}

export interface LayerCap {
  sessionId: number;
  kind: MediaKind;
  layer: number;
}

/** Replaces the last one; who is not named has no cap. */
export function buildLayerPreference(caps: LayerCap[]): Uint8Array {
  const message = create(LayerPreferenceSchema, {
    entries: caps.map(({ sessionId, kind, layer }) =>
      create(LayerPreference_EntrySchema, {
        sessionId: BigInt(sessionId),
        desiredLayer: layer,
        mediaKind: kind,
      }),
    ),
  });
  return buildPacket(PacketType.LAYER_PREFERENCE, toBinary(LayerPreferenceSchema, message));
}

export function buildKeyframeRequest(
  sessionId: number,
  kind: MediaKind,
  layer: number,
): Uint8Array {
  const message = create(KeyframeRequestSchema, {
    sessionId: BigInt(sessionId),
    mediaKind: kind,
    layer,
  });
  return buildPacket(PacketType.KEYFRAME_REQUEST, toBinary(KeyframeRequestSchema, message));
}

export function parseKeyframeRequest(data: Uint8Array): { kind: MediaKind; layer: number } {
  const request = fromBinary(KeyframeRequestSchema, data);
  return { kind: request.mediaKind, layer: request.layer };
}

export function buildChat(id: Uint8Array, text: string, toSessionId: number): Uint8Array {
  const message = create(ChatMessageSchema, {
    id,
    text,
    toSessionId: BigInt(toSessionId),
  });
  return buildPacket(PacketType.CHAT, toBinary(ChatMessageSchema, message));
}

export function parseChat(data: Uint8Array): ChatMessage {
  return fromBinary(ChatMessageSchema, data);
}

export function buildReaction(kind: Reaction_Kind): Uint8Array {
  const message = create(ReactionSchema, { reaction: kind });
  return buildPacket(PacketType.REACTION, toBinary(ReactionSchema, message));
}

export function parseReaction(data: Uint8Array): Reaction_Kind {
  return fromBinary(ReactionSchema, data).reaction;
}
