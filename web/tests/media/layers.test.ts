// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import {
  CAMERA,
  SCREEN,
  encodedSize,
  highestLayer,
  planLayers,
  wantedKbps,
  type Circumstances,
} from "../../src/media/layers";

const GOOD: Circumstances = {
  sourceHeight: 720,
  wanted: null,
  maxLayer: 2,
  budgetKbps: Infinity,
  overload: 0,
  still: false,
};
const camera = (change: Partial<Circumstances>) => planLayers(CAMERA, { ...GOOD, ...change });
const heights = (change: Partial<Circumstances>) => camera(change).map((one) => one.height);
const layers = (change: Partial<Circumstances>) => camera(change).map((one) => one.layer);

describe("planLayers", () => {
  it("makes three layers of a large picture, and none larger than it is", () => {
    expect(heights({})).toEqual([180, 360, 720]);
    expect(heights({ sourceHeight: 360 })).toEqual([180, 360]);
    expect(heights({ sourceHeight: 480 })).toEqual([180, 360, 480]);
    expect(heights({ sourceHeight: 144 })).toEqual([144]);
    expect(heights({ maxLayer: 1 })).toEqual([180, 360]);
  });

  it("encodes only what is looked at", () => {
    expect(layers({ wanted: [0] })).toEqual([0]);
    expect(layers({ wanted: [0, 2] })).toEqual([0, 2]);
    expect(layers({ wanted: [] })).toEqual([]);
    // Whoever wants more than there is gets the most.
    expect(layers({ wanted: [2], sourceHeight: 360 })).toEqual([1]);
  });

  it("gives up the highest layer first when the network is short", () => {
    const kbps = (budgetKbps: number) => camera({ budgetKbps }).map((one) => one.kbps);
    expect(kbps(2_200)).toEqual([150, 550, 1_500]);
    expect(layers({ budgetKbps: 1_100 })).toEqual([0, 1, 2]);
    expect(layers({ budgetKbps: 900 })).toEqual([0, 1]);
    expect(layers({ budgetKbps: 300 })).toEqual([0]);
    expect(camera({ budgetKbps: 10 })).toHaveLength(1);
  });

  it("never plans more than the network takes, beyond the least", () => {
    for (let budgetKbps = 100; budgetKbps < 2_500; budgetKbps += 37) {
      const sum = camera({ budgetKbps }).reduce((total, one) => total + one.kbps, 0);
      expect(sum).toBeLessThanOrEqual(budgetKbps + 2);
    }
  });

  it("gives up a camera's size before its frame rate", () => {
    const [alone] = camera({ wanted: [2], budgetKbps: 400 });
    expect(alone!.fps).toBe(30);
    expect(alone!.height).toBe(360);
    expect(camera({ wanted: [2], budgetKbps: 700 })[0]!.height).toBe(540);
  });

  it("gives up a screen's frame rate before its size", () => {
    const screen = (budgetKbps: number) =>
      planLayers(SCREEN, { ...GOOD, sourceHeight: 1_080, wanted: [1], still: true, budgetKbps })[0]!;
    expect(screen(2_000)).toMatchObject({ height: 1_080, fps: 15 });
    expect(screen(500)).toMatchObject({ height: 1_080, fps: 8 });
    expect(screen(60).fps).toBeGreaterThanOrEqual(3);
  });

  it("shrinks and then sheds the highest layer of a machine too slow", () => {
    expect(heights({ overload: 1 })).toEqual([180, 360, 540]);
    // Half of 720p is what the layer below is: better without it.
    expect(heights({ overload: 2 })).toEqual([180, 360]);
    expect(heights({ overload: 3 })).toEqual([180, 270]);
    expect(heights({ overload: 4 })).toEqual([180]);
    expect(heights({ overload: 5 })).toEqual([135]);
    expect(heights({ overload: 99 })).toEqual([120]);
    expect(heights({ overload: 2, wanted: [2] })).toEqual([360]);
    expect(heights({ overload: 2, wanted: [] })).toEqual([]);
  });

  it("knows what all that is wanted takes", () => {
    expect(wantedKbps(CAMERA, GOOD)).toBe(2_200);
    expect(wantedKbps(CAMERA, { ...GOOD, wanted: [1] })).toBe(550);
    expect(wantedKbps(CAMERA, { ...GOOD, wanted: [] })).toBe(0);
  });
});

describe("highestLayer", () => {
  it("is 720p on quick machines alone", () => {
    expect(highestLayer(8, 2)).toBe(2);
    expect(highestLayer(2, 2)).toBe(1);
    expect(highestLayer(8, 30)).toBe(1);
  });
});

describe("encodedSize", () => {
  it("keeps the shape, never enlarges, and stays even", () => {
    expect(encodedSize(1280, 720, 360)).toEqual({ width: 640, height: 360 });
    expect(encodedSize(720, 1280, 360)).toEqual({ width: 360, height: 640 });
    expect(encodedSize(320, 240, 720)).toEqual({ width: 320, height: 240 });
    expect(encodedSize(1279, 719, 360)).toEqual({ width: 640, height: 360 });
  });
});
