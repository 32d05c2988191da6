// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { JitterEstimator } from "../../src/media/jitter";

function feed(estimator: JitterEstimator, count: number, lateMs: (n: number) => number) {
  for (let n = 0; n < count; n++) estimator.push(n * 20, n * 20 + 1_000 + lateMs(n));
}

describe("JitterEstimator", () => {
  it("asks for little where packets come evenly", () => {
    const estimator = new JitterEstimator();
    feed(estimator, 300, () => 0);
    expect(estimator.targetMs).toBe(40);
  });

  it("asks for as much as most packets need, and not more than 120 ms", () => {
    const estimator = new JitterEstimator();
    feed(estimator, 300, (n) => (n % 10 === 0 ? 60 : 0));
    expect(estimator.targetMs).toBeCloseTo(80, 0);
    feed(estimator, 600, (n) => (n % 10 === 0 ? 900 : 0));
    expect(estimator.targetMs).toBe(120);
  });

  it("is not moved by one late packet in a hundred", () => {
    const estimator = new JitterEstimator();
    feed(estimator, 500, (n) => (n % 100 === 99 ? 300 : 0));
    expect(estimator.targetMs).toBe(40);
  });

  it("rises at once and falls slowly", () => {
    const estimator = new JitterEstimator();
    feed(estimator, 100, (n) => (n % 5 === 0 ? 70 : 0));
    const high = estimator.targetMs;
    expect(high).toBeGreaterThan(80);
    feed(estimator, 550, () => 0);
    expect(estimator.targetMs).toBeLessThan(high);
    expect(estimator.targetMs).toBeGreaterThan(40);
    feed(estimator, 1_500, () => 0);
    expect(estimator.targetMs).toBeLessThan(42);
  });
});
