// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { GroupOrder, type OrderedFrame } from "../../src/media/group_order";

/** Group g starts at capture g seconds; sequences count on across groups. */
function frame(group: number, sequence: number, keyframe = false, layer = 0): OrderedFrame<null> {
  const header = {
    sequence,
    group,
    keyframe,
    temporalId: 0,
    captureUs: group * 1e6 + sequence,
    audioLevel: 0,
    speaking: false,
    codec: "",
    width: 0,
    height: 0,
    targetKbps: 0,
    keyEpoch: 0,
  };
  return { header, layer, payload: null };
}

const sequences = (frames: OrderedFrame<null>[]) => frames.map((one) => one.header.sequence);

describe("GroupOrder", () => {
  it("starts with a key frame", () => {
    const order = new GroupOrder<null>();
    expect(order.push(frame(1, 5), 0)).toEqual([]);
    expect(sequences(order.push(frame(1, 6, true), 0))).toEqual([6]);
    expect(sequences(order.push(frame(1, 7), 0))).toEqual([7]);
  });

  it("goes over gaps inside a group: a temporal layer was left out", () => {
    const order = new GroupOrder<null>();
    order.push(frame(1, 1, true), 0);
    expect(sequences(order.push(frame(1, 5), 0))).toEqual([5]);
    expect(order.push(frame(1, 4), 0)).toEqual([]);
    expect(order.push(frame(1, 5), 0)).toEqual([]);
  });

  it("lets the group that plays end before the next one", () => {
    const order = new GroupOrder<null>();
    order.push(frame(1, 1, true), 0);
    expect(order.push(frame(2, 3, true), 0)).toEqual([]);
    expect(order.push(frame(2, 4), 5)).toEqual([]);
    expect(sequences(order.push(frame(1, 2), 10))).toEqual([2, 3, 4]);
    expect(sequences(order.push(frame(2, 5), 11))).toEqual([5]);
  });

  it("does not wait for it for long, and then drops what comes of it", () => {
    const order = new GroupOrder<null>();
    order.push(frame(1, 1, true), 0);
    order.push(frame(2, 4, true), 0);
    expect(order.waiting).toBe(true);
    expect(order.poll(30)).toEqual([]);
    expect(sequences(order.poll(70))).toEqual([4]);
    expect(order.push(frame(1, 2), 71)).toEqual([]);
  });

  it("never goes back to an older group", () => {
    const order = new GroupOrder<null>();
    order.push(frame(2, 10, true), 0);
    expect(order.push(frame(1, 1, true), 0)).toEqual([]);
    expect(order.push(frame(1, 2), 0)).toEqual([]);
  });

  it("changes layers at once", () => {
    const order = new GroupOrder<null>();
    order.push(frame(1, 1, true, 0), 0);
    expect(sequences(order.push(frame(2, 900, true, 1), 0))).toEqual([900]);
    expect(order.push(frame(1, 2, false, 0), 0)).toEqual([]);
  });

  it("takes a layer's group that began before the one that plays", () => {
    const order = new GroupOrder<null>();
    order.push(frame(5, 100, true, 0), 0);
    order.push(frame(5, 101, false, 0), 0);
    // The cached group of the higher layer: captured earlier, sent now.
    expect(sequences(order.push(frame(3, 700, true, 1), 0))).toEqual([700]);
    expect(sequences(order.push(frame(3, 701, false, 1), 0))).toEqual([701]);
    expect(order.push(frame(5, 102, false, 0), 0)).toEqual([]);
    // And back, into the very group that played before.
    expect(sequences(order.push(frame(5, 100, true, 0), 0))).toEqual([100]);
    expect(sequences(order.push(frame(5, 103, false, 0), 0))).toEqual([103]);
  });

  it("takes nothing of a layer that is older than what was played of it", () => {
    const order = new GroupOrder<null>();
    order.push(frame(5, 100, true, 0), 0);
    order.push(frame(6, 900, true, 1), 0);
    expect(order.push(frame(4, 90, true, 0), 0)).toEqual([]);
    expect(sequences(order.push(frame(6, 901, false, 1), 0))).toEqual([901]);
  });

  it("waits for a key frame after the decoder failed", () => {
    const order = new GroupOrder<null>();
    order.push(frame(1, 1, true), 0);
    order.reset();
    expect(order.push(frame(1, 2), 0)).toEqual([]);
    expect(sequences(order.push(frame(2, 3, true), 0))).toEqual([3]);
  });

  it("plays a group again from its key frame when the relay comes back to it", () => {
    const order = new GroupOrder<null>();
    order.push(frame(1, 1, true), 0);
    order.push(frame(1, 2), 0);
    expect(sequences(order.push(frame(1, 1, true, 1), 10))).toEqual([1]);
    expect(order.push(frame(1, 3), 11)).toEqual([]);
    expect(sequences(order.push(frame(1, 1, true), 20))).toEqual([1]);
    expect(sequences(order.push(frame(1, 2), 21))).toEqual([2]);
    expect(sequences(order.push(frame(1, 3), 22))).toEqual([3]);
  });
});
