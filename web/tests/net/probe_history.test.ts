// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { ProbeHistory } from "../../src/net/probe_history";

describe("ProbeHistory", () => {
  it("knows nothing at first", () => {
    expect(new ProbeHistory().facts).toEqual({ rttMs: 0, leastRttMs: 0, lostShare: 0 });
  });

  it("smooths the round trips and remembers the shortest", () => {
    const history = new ProbeHistory();
    history.push(100);
    history.push(200);
    expect(history.facts.rttMs).toBeCloseTo(120);
    expect(history.facts.leastRttMs).toBe(100);
    for (let i = 0; i < 60; i++) history.push(150);
    expect(history.facts.leastRttMs).toBe(150);
  });

  it("counts lost probes once there are enough of them", () => {
    const history = new ProbeHistory();
    history.push(null);
    history.push(null);
    expect(history.facts.lostShare).toBe(0);
    for (let i = 0; i < 6; i++) history.push(20);
    expect(history.facts.lostShare).toBeCloseTo(2 / 8);
    for (let i = 0; i < 16; i++) history.push(20);
    expect(history.facts.lostShare).toBe(0);
  });
});
