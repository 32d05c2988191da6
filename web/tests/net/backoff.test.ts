// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { backoffMs } from "../../src/net/backoff";

it("comes back at once after the first loss", () => {
  expect(backoffMs(0, 1)).toBeLessThanOrEqual(100);
});

it("waits twice as long each time, up to eight seconds", () => {
  const waits = [1, 2, 3, 4, 5, 6, 20].map((attempt) => backoffMs(attempt, 0.5));
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

it("spreads by 30 % either way", () => {
  expect(backoffMs(3, 0)).toBe(1400);
  expect(backoffMs(3, 1)).toBe(2600);
});
