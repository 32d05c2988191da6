// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { RecentMaximum } from "../../src/media/recent_maximum";

test("remembers the largest value for one window at least, two at most", () => {
  const recent = new RecentMaximum(5_000);
  expect(recent.value).toBe(0);
  recent.push(300, 0);
  recent.push(20, 4_000);
  expect(recent.value).toBe(300);
  recent.push(30, 6_000);
  expect(recent.value).toBe(300);
  recent.push(40, 12_000);
  expect(recent.value).toBe(40);
});

test("forgets what was before a long silence", () => {
  const recent = new RecentMaximum(5_000);
  recent.push(300, 0);
  recent.push(10, 60_000);
  expect(recent.value).toBe(10);
});
