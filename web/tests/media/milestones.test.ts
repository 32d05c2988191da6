// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { Milestones, wallMs } from "../../src/media/milestones";

test("each milestone is told once, with the time of its first passing", () => {
  const told: [string, number][] = [];
  const milestones = new Milestones((name, atMs) => told.push([name, atMs]));
  const before = wallMs();
  milestones.pass("joined");
  milestones.pass("joined");
  milestones.pass("drawn");
  milestones.pass("joined");
  expect(told.map(([name]) => name)).toEqual(["joined", "drawn"]);
  expect(told[0]![1]).toBeGreaterThanOrEqual(before);
  expect(told[1]![1]).toBeLessThanOrEqual(wallMs());
});
