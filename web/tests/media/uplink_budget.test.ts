// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { UplinkBudget, type UplinkSigns } from "../../src/media/uplink_budget";

const GOOD: UplinkSigns = {
  backlogMs: 0,
  cut: false,
  rttMs: 40,
  leastRttMs: 30,
  lostShare: 0,
  sentKbps: 1_000,
};

describe("UplinkBudget", () => {
  it("starts with all that there is to send", () => {
    expect(new UplinkBudget().update(GOOD, 2_200, 0)).toBe(2_200);
  });

  it("goes down from what was sent while packets wait, and waits for the effect", () => {
    const budget = new UplinkBudget();
    expect(budget.update({ ...GOOD, backlogMs: 200 }, 2_200, 0)).toBe(750);
    expect(budget.update({ ...GOOD, backlogMs: 200 }, 2_200, 1_000)).toBe(750);
    expect(budget.update({ ...GOOD, cut: true, sentKbps: 700 }, 2_200, 2_000)).toBe(420);
  });

  it("follows a queue seen in the round trips, and lost probes", () => {
    expect(new UplinkBudget().update({ ...GOOD, rttMs: 300 }, 2_200, 0)).toBe(850);
    expect(new UplinkBudget().update({ ...GOOD, lostShare: 0.3 }, 2_200, 0)).toBe(850);
    // A long way is no queue.
    expect(new UplinkBudget().update({ ...GOOD, rttMs: 300, leastRttMs: 280 }, 2_200, 0)).toBe(2_200);
  });

  it("rises slowly back to the ceiling", () => {
    const budget = new UplinkBudget();
    budget.update({ ...GOOD, backlogMs: 200 }, 2_200, 0);
    expect(budget.update(GOOD, 2_200, 2_000)).toBe(750);
    expect(budget.update(GOOD, 2_200, 3_100)).toBeCloseTo(825);
    // A little that waits is no reason to hurry.
    expect(budget.update({ ...GOOD, backlogMs: 60 }, 2_200, 6_200)).toBeCloseTo(825);
    let kbps = 0;
    for (let now = 10_000; now < 90_000; now += 250) kbps = budget.update(GOOD, 2_200, now);
    expect(kbps).toBe(2_200);
  });

  it("never goes below what a picture needs", () => {
    const budget = new UplinkBudget();
    let kbps = 0;
    for (let now = 0; now < 60_000; now += 2_000) {
      kbps = budget.update({ ...GOOD, cut: true, sentKbps: kbps }, 2_200, now);
    }
    expect(kbps).toBe(60);
  });

  it("forgets what it knew of another way", () => {
    const budget = new UplinkBudget();
    budget.update({ ...GOOD, cut: true }, 2_200, 0);
    budget.reset();
    expect(budget.update(GOOD, 2_200, 100)).toBe(2_200);
  });
});
