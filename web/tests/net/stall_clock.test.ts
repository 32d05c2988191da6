// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { StallClock } from "../../src/net/stall_clock";

test("goes with the real clock, but not through a stall", () => {
  let real = 1_000;
  const clock = new StallClock(() => real);
  const start = clock.now();
  for (let i = 0; i < 10; i++) {
    real += 33;
    clock.now();
  }
  expect(clock.now() - start).toBe(330);
  real += 5_000;
  expect(clock.now() - start).toBe(390);
  real += 33;
  expect(clock.now() - start).toBe(423);
});
