// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { outputLatencyMs } from "../../src/media/output_latency";

test("sums what the graph and the device add", () => {
  const context = { baseLatency: 0.01, outputLatency: 0.025 };
  expect(outputLatencyMs(context, "Chrome/156.0")).toBeCloseTo(35);
});

test("a browser that cannot say adds nothing", () => {
  const context = { baseLatency: 0.01, outputLatency: undefined as unknown as number };
  expect(outputLatencyMs(context, "Safari/26.4")).toBeCloseTo(10);
});

test("Firefox is never asked, for it may never answer", () => {
  const deadly = {
    get baseLatency(): number {
      throw new Error("asked");
    },
    get outputLatency(): number {
      throw new Error("asked");
    },
  };
  expect(outputLatencyMs(deadly, "Mozilla/5.0 (X11) Gecko/20100101 Firefox/153.0")).toBe(40);
});
