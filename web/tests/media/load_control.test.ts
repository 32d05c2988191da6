// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { LoadControl } from "../../src/media/load_control";

function run(load: LoadControl, fromMs: number, seconds: number, busyEvery: number): void {
  for (let n = 0; n < seconds * 30; n++) load.push(n % busyEvery === 0, fromMs + n * 33.4);
}

describe("LoadControl", () => {
  it("steps up while the coder is too slow, and down after a calm time", () => {
    const load = new LoadControl(8);
    run(load, 0, 5, 2);
    expect(load.steps).toBeGreaterThan(0);
    run(load, 5_000, 150, 1e9);
    expect(load.steps).toBe(0);
  });

  it("lets a hiccup pass", () => {
    const load = new LoadControl(8);
    run(load, 0, 10, 20);
    expect(load.steps).toBe(0);
  });

  it("does not judge the start", () => {
    const load = new LoadControl(8);
    run(load, 1_000, 2, 1);
    run(load, 3_100, 10, 1e9);
    expect(load.steps).toBe(0);
  });

  it("has an end", () => {
    const load = new LoadControl(2);
    run(load, 0, 60, 1);
    expect(load.steps).toBe(2);
  });
});
