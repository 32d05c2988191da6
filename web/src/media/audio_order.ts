// SPDX-License-Identifier: MIT
// Which frames of sound a packet gives that were not had yet: lost ones come
// back out of the repetitions in their successors.

export interface SoundPacket {
  sequence: number;
  captureUs: number;
  data: Uint8Array;
  /** redundant[i] is i+1 sequences and 20·(i+1) ms earlier. */
  redundant: Uint8Array[];
}

export interface EncodedSound {
  sequence: number;
  captureUs: number;
  data: Uint8Array;
}

const FRAME_US = 20_000;
/** A count that falls back this far belongs to a sender that started anew. */
const RESTART = 500;

export class AudioOrder {
  private last = -1;
  recovered = 0;
  lost = 0;

  /** What is to be decoded now, in order; empty for what is had or too late. */
  push(packet: SoundPacket): EncodedSound[] {
    const { sequence, captureUs, data, redundant } = packet;
    if (sequence <= this.last && this.last - sequence < RESTART) return [];
    const missing =
      this.last < 0 || sequence < this.last ? 0 : sequence - this.last - 1;
    const frames: EncodedSound[] = [];
    const back = Math.min(missing, redundant.length);
    for (let i = back; i >= 1; i--) {
      frames.push({
        sequence: sequence - i,
        captureUs: captureUs - i * FRAME_US,
        data: redundant[i - 1]!,
      });
    }
    this.recovered += back;
    this.lost += Math.min(missing - back, RESTART);
    this.last = sequence;
    frames.push({ sequence, captureUs, data });
    return frames;
  }
}
