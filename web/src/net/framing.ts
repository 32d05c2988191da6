// SPDX-License-Identifier: MIT
// Frames on a stream: uint32 length, big-endian, then one PacketWrapper
// (docs/wire-protocol.md, section 2).

/** What a client may send in one packet (section 1). */
export const MAX_PACKET_BYTES = 1_000_000;
/** What the server's stamp may add to it. */
const MAX_STAMP_BYTES = 80;
const PREFIX_BYTES = 4;

export class FramingError extends Error {}

/** One packet with its length before it. */
export function frame(packet: Uint8Array): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(PREFIX_BYTES + packet.length);
  new DataView(framed.buffer).setUint32(0, packet.length);
  framed.set(packet, PREFIX_BYTES);
  return framed;
}

/**
 * Takes a stream apart, however it is split. A length of 0 or above the bound
 * throws FramingError, by the prefix alone; nothing can be read after that.
 */
export class FrameDecoder {
  private chunks: Uint8Array[] = [];
  private buffered = 0;

  /** Gives the packets that `chunk` completes, in order. */
  push(chunk: Uint8Array): Uint8Array[] {
    if (chunk.length === 0) return [];
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    const packets: Uint8Array[] = [];
    while (this.buffered >= PREFIX_BYTES) {
      const length = this.peekLength();
      if (length === 0 || length > MAX_PACKET_BYTES + MAX_STAMP_BYTES) {
        throw new FramingError(`a frame of ${length} bytes`);
      }
      if (this.buffered < PREFIX_BYTES + length) break;
      packets.push(this.take(PREFIX_BYTES + length).subarray(PREFIX_BYTES));
    }
    return packets;
  }

  /** Bytes of a frame that is not complete yet. */
  get pending(): number {
    return this.buffered;
  }

  private peekLength(): number {
    let length = 0;
    let seen = 0;
    for (const chunk of this.chunks) {
      for (let i = 0; i < chunk.length && seen < PREFIX_BYTES; i++, seen++) {
        length = length * 256 + chunk[i]!;
      }
      if (seen === PREFIX_BYTES) break;
    }
    return length;
  }

  private take(count: number): Uint8Array {
    this.buffered -= count;
    const first = this.chunks[0]!;
    if (first.length >= count) {
      if (first.length === count) this.chunks.shift();
      else this.chunks[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    const taken = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const chunk = this.chunks[0]!;
      const part = chunk.subarray(0, count - filled);
      taken.set(part, filled);
      filled += part.length;
      if (part.length === chunk.length) this.chunks.shift();
      else this.chunks[0] = chunk.subarray(part.length);
    }
    return taken;
  }
}
