// SPDX-License-Identifier: MIT
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  MediaKind,
  PacketType,
  buildChat,
  buildConnection,
  buildKeyframeRequest,
  buildLayerPreference,
  buildMedia,
  buildMemberState,
  buildViewport,
  parseChat,
  parseMediaPayload,
  parseMemberState,
  parsePacket,
} from "../../src/net/packets";
import { KeyframeRequestSchema, LayerPreferenceSchema, ViewportSchema } from "../../src/proto/choice_pb";
import { PacketWrapperSchema } from "../../src/proto/packet_wrapper_pb";
import { ConnectionPacketSchema } from "../../src/proto/session_pb";

const header = {
  sequence: 70_000,
  group: 12,
  keyframe: true,
  temporalId: 2,
  captureUs: 9_007_199_254_740_000,
  codec: "vp8",
  width: 640,
  height: 360,
  targetKbps: 600,
};

describe("media", () => {
  it("comes back as it was built", () => {
    const payload = { data: new Uint8Array([1, 2, 3]), durationUs: 33_333, redundant: [] };
    const packet = parsePacket(buildMedia(MediaKind.VIDEO, 1, header, payload));
    expect(packet.type).toBe(PacketType.MEDIA);
    expect(packet.kind).toBe(MediaKind.VIDEO);
    expect(packet.layer).toBe(1);
    expect(packet.header).toMatchObject({ ...header, keyEpoch: 0 });
    expect(parseMediaPayload(packet.data)).toEqual(payload);
  });

  it("carries the frames before a frame of sound", () => {
    const redundant = [new Uint8Array([9]), new Uint8Array([8, 7])];
    const payload = { data: new Uint8Array([1]), durationUs: 20_000, redundant };
    const packet = parsePacket(buildMedia(MediaKind.AUDIO, 0, header, payload));
    expect(parseMediaPayload(packet.data).redundant).toEqual(redundant);
  });

  it("takes the stamp that the server appends, not the client's fields", () => {
    const client = toBinary(
      PacketWrapperSchema,
      create(PacketWrapperSchema, {
        packetType: PacketType.CHAT,
        sessionId: 1n,
        userId: new TextEncoder().encode("liar"),
      }),
    );
    const stamp = toBinary(
      PacketWrapperSchema,
      create(PacketWrapperSchema, {
        sessionId: 9_007_199_254_740_991n,
        userId: new TextEncoder().encode("ada"),
      }),
    );
    const packet = parsePacket(new Uint8Array([...client, ...stamp]));
    expect(packet.sessionId).toBe(Number.MAX_SAFE_INTEGER);
    expect(packet.userId).toBe("ada");
  });
});

describe("control packets", () => {
  it("say who connects", () => {
    const packet = parsePacket(buildConnection("demo", "web/1"));
    expect(packet.type).toBe(PacketType.CONNECTION);
    const message = fromBinary(ConnectionPacketSchema, packet.data);
    expect([message.meetingId, message.client]).toEqual(["demo", "web/1"]);
  });

  it("carry a member's state", () => {
    const flags = {
      video: true,
      audio: false,
      screen: true,
      speaking: true,
      handRaised: true,
      displayName: "Ada",
    };
    const packet = parsePacket(buildMemberState(flags));
    expect(packet.type).toBe(PacketType.MEMBER_STATE);
    expect(parseMemberState(packet.data)).toEqual(flags);
  });

  it("list what is on screen in field 32", () => {
    const tile = { sessionId: 2 ** 53 - 1, kind: MediaKind.SCREEN, heightPx: 720, pinned: true };
    const { data } = parsePacket(buildViewport([tile]));
    // Field 32, length-delimited: (32 << 3 | 2) as a varint.
    expect([...data.subarray(0, 2)]).toEqual([0x82, 0x02]);
    const [read] = fromBinary(ViewportSchema, data).tiles;
    expect(read).toMatchObject({ sessionId: BigInt(tile.sessionId), heightPx: 720, pinned: true });
  });

  it("ask for a key frame of somebody's layer", () => {
    const { data } = parsePacket(buildKeyframeRequest(5, MediaKind.VIDEO, 2));
    expect(fromBinary(KeyframeRequestSchema, data)).toMatchObject({ sessionId: 5n, layer: 2 });
  });

  it("cap the layers of some", () => {
    const packet = parsePacket(
      buildLayerPreference([{ sessionId: 5, kind: MediaKind.SCREEN, layer: 1 }]),
    );
    expect(packet.type).toBe(PacketType.LAYER_PREFERENCE);
    expect(fromBinary(LayerPreferenceSchema, packet.data).entries).toMatchObject([
      { sessionId: 5n, desiredLayer: 1, mediaKind: MediaKind.SCREEN },
    ]);
  });

  it("carry chat", () => {
    const packet = parsePacket(buildChat(new Uint8Array(16), "שלום 👋", 0));
    expect(parseChat(packet.data).text).toBe("שלום 👋");
  });
});

it("throws on what does not parse", () => {
  expect(() => parsePacket(new Uint8Array([0xff, 0xff, 0xff]))).toThrow();
});
