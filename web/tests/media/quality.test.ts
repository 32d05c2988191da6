// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import {
  LoadControl,
  RateControl,
  cameraQuality,
  canHd,
  encodedSize,
} from "../../src/media/quality";

describe("cameraQuality", () => {
  it("gives 720p only to small calls on quick machines", () => {
    expect(cameraQuality(2, true).height).toBe(720);
    expect(cameraQuality(3, true).height).toBe(360);
    expect(cameraQuality(2, false).height).toBe(360);
    expect(cameraQuality(20, true).height).toBe(270);
    expect(canHd(8, 2)).toBe(true);
    expect(canHd(2, 2)).toBe(false);
    expect(canHd(8, 30)).toBe(false);
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

describe("RateControl", () => {
  it("goes down while packets wait, and up again slowly", () => {
    const rate = new RateControl();
    expect(rate.update(0, false, 0)).toBe(1);
    expect(rate.update(200, false, 1_000)).toBe(0.75);
    expect(rate.update(200, false, 1_500)).toBe(0.75);
    expect(rate.update(0, true, 3_000)).toBeCloseTo(0.45);
    expect(rate.update(0, false, 6_000)).toBeCloseTo(0.45);
    expect(rate.update(0, false, 7_100)).toBeCloseTo(0.495);
    for (let now = 10_000; now < 200_000; now += 1_000) rate.update(0, false, now);
    expect(rate.update(0, false, 200_000)).toBe(1);
  });

  it("never goes below what a picture needs", () => {
    const rate = new RateControl();
    let share = 1;
    for (let now = 0; now < 60_000; now += 2_000) share = rate.update(500, true, now);
    expect(share).toBe(0.15);
  });
});

describe("LoadControl", () => {
  const run = (load: LoadControl, from: number, seconds: number, every: number) => {
    for (let n = 0; n < seconds * 30; n++) load.push(n % every === 0, from + n * 33.4);
  };

  it("makes the picture smaller while the encoder is too slow, then larger", () => {
    const load = new LoadControl();
    run(load, 0, 5, 2);
    expect(load.scale).toBeLessThan(1);
    run(load, 5_000, 120, 1e9);
    expect(load.scale).toBe(1);
  });

  it("lets a hiccup pass", () => {
    const load = new LoadControl();
    run(load, 0, 10, 20);
    expect(load.scale).toBe(1);
  });
});
