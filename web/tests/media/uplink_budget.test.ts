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

  it("goes down while packets wait, and waits for the effect", () => {
    const budget = new UplinkBudget();
    const late = { ...GOOD, backlogMs: 200, sentKbps: 2_000 };
    // Once may be a hiccup of this machine.
    expect(budget.update(late, 2_200, 0)).toBe(2_200);
    expect(budget.update(late, 2_200, 250)).toBe(1_500);
    expect(budget.update(late, 2_200, 1_000)).toBe(1_500);
    // A group that was given up needs no second look.
    expect(budget.update({ ...GOOD, cut: true, sentKbps: 1_400 }, 2_200, 2_000)).toBe(840);
  });

  it("lets a hiccup pass", () => {
    const budget = new UplinkBudget();
    for (let now = 0; now < 20_000; now += 500) {
      const backlogMs = now % 1_000 === 0 ? 300 : 0;
      expect(budget.update({ ...GOOD, backlogMs }, 2_200, now)).toBe(2_200);
    }
  });

  it("does not fall at once to the little that a stalled machine sent", () => {
    const budget = new UplinkBudget();
    expect(budget.update({ ...GOOD, cut: true, sentKbps: 100 }, 1_000, 0)).toBe(480);
  });

  it("follows a queue seen in the round trips, and lost probes", () => {
    const twice = (signs: Partial<UplinkSigns>) => {
      const budget = new UplinkBudget();
      budget.update({ ...GOOD, ...signs }, 1_000, 0);
      return budget.update({ ...GOOD, ...signs }, 1_000, 250);
    };
    expect(twice({ rttMs: 300 })).toBe(850);
    expect(twice({ lostShare: 0.3 })).toBe(850);
    // A long way is no queue.
    expect(twice({ rttMs: 300, leastRttMs: 280 })).toBe(1_000);
  });

  it("rises slowly back to the ceiling", () => {
    const budget = new UplinkBudget();
    budget.update({ ...GOOD, cut: true }, 1_000, 0);
    expect(budget.update(GOOD, 1_000, 1_900)).toBe(600);
    expect(budget.update(GOOD, 1_000, 2_100)).toBeCloseTo(690);
    // A little that waits is no reason to hurry.
    expect(budget.update({ ...GOOD, backlogMs: 60 }, 1_000, 4_200)).toBeCloseTo(690);
    let kbps = 0;
    for (let now = 10_000; now < 90_000; now += 250) kbps = budget.update(GOOD, 1_000, now);
    expect(kbps).toBe(1_000);
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
