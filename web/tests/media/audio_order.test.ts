// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { AudioOrder } from "../../src/media/audio_order";

const bytes = (value: number) => new Uint8Array([value]);

function packet(sequence: number, repeats = 2) {
  const redundant = Array.from({ length: repeats }, (_, i) => bytes(sequence - i - 1));
  return { sequence, captureUs: sequence * 20_000, data: bytes(sequence), redundant };
}

function played(order: AudioOrder, sequences: number[], repeats = 2): number[] {
  return sequences.flatMap((n) => order.push(packet(n, repeats)).map((sound) => sound.data[0]!));
}

describe("AudioOrder", () => {
  it("plays what comes in order", () => {
    expect(played(new AudioOrder(), [10, 11, 12])).toEqual([10, 11, 12]);
  });

  it("takes one or two lost frames out of the repetitions", () => {
    const order = new AudioOrder();
    expect(played(order, [10, 12, 15])).toEqual([10, 11, 12, 13, 14, 15]);
    expect(order.recovered).toBe(3);
    expect(order.lost).toBe(0);
  });

  it("tells their capture times", () => {
    const order = new AudioOrder();
    order.push(packet(1));
    const times = order.push(packet(4)).map((sound) => sound.captureUs);
    expect(times).toEqual([40_000, 60_000, 80_000]);
  });

  it("counts what is gone for good", () => {
    const order = new AudioOrder();
    expect(played(order, [10, 15])).toEqual([10, 13, 14, 15]);
    expect(order.lost).toBe(2);
  });

  it("plays nothing twice and nothing too late", () => {
    expect(played(new AudioOrder(), [10, 12, 11, 12, 13])).toEqual([10, 11, 12, 13]);
  });

  it("follows a sender that counts from somewhere else", () => {
    const order = new AudioOrder();
    expect(played(order, [200, 201])).toEqual([200, 201]);
    expect(order.push(packet(60_000)).at(-1)!.sequence).toBe(60_000);
    expect(order.push(packet(3, 0)).map((sound) => sound.sequence)).toEqual([3]);
  });
});
