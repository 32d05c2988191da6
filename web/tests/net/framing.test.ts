// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import {
  FrameDecoder,
  FramingError,
  MAX_PACKET_BYTES,
  frame,
} from "../../src/net/framing";

const bytes = (...values: number[]) => new Uint8Array(values);

function concat(parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

describe("frame", () => {
  it("puts the length before the packet, big-endian", () => {
    expect([...frame(new Uint8Array(258))].slice(0, 5)).toEqual([0, 0, 1, 2, 0]);
  });
});

describe("FrameDecoder", () => {
  const packets = [bytes(1), bytes(2, 3, 4, 5, 6), new Uint8Array(300).fill(7)];
  const stream = concat(packets.map(frame));

  it.each([1, 2, 3, 5, 7, 64, stream.length])(
    "reads the same packets from pieces of %i bytes",
    (size) => {
      const decoder = new FrameDecoder();
      const read: Uint8Array[] = [];
      for (let at = 0; at < stream.length; at += size) {
        read.push(...decoder.push(stream.subarray(at, at + size)));
      }
      expect(read).toEqual(packets);
      expect(decoder.pending).toBe(0);
    },
  );

  it("keeps what is not complete", () => {
    const decoder = new FrameDecoder();
    expect(decoder.push(bytes(0, 0, 0, 2, 9))).toEqual([]);
    expect(decoder.pending).toBe(5);
    expect(decoder.push(bytes(8))).toEqual([bytes(9, 8)]);
  });

  it("refuses an empty frame and one above the bound by its prefix", () => {
    expect(() => new FrameDecoder().push(bytes(0, 0, 0, 0))).toThrow(FramingError);
    const prefix = frame(new Uint8Array(1));
    new DataView(prefix.buffer).setUint32(0, MAX_PACKET_BYTES + 81);
    expect(() => new FrameDecoder().push(prefix.subarray(0, 4))).toThrow(FramingError);
    new DataView(prefix.buffer).setUint32(0, MAX_PACKET_BYTES + 80);
    expect(new FrameDecoder().push(prefix.subarray(0, 4))).toEqual([]);
  });
});
