// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import {
  isMeetingId,
  meetingIdFrom,
  meetingPath,
  newMeetingId,
  parseRoute,
} from "../../src/state/route";

describe("parseRoute", () => {
  it.each([
    ["/", "", ""],
    ["/meeting/demo", "demo", ""],
    ["/meeting/demo/", "demo", ""],
    ["/meeting/ada/demo", "demo", "ada"],
    ["/meeting/Ada%20L/demo", "demo", "Ada L"],
    ["/meeting/a/b/c", "", ""],
    ["/meeting", "", ""],
    ["/meeting/not%20ok", "", ""],
    ["/meeting/%E0%A4%A", "", ""],
    [`/meeting/${"u".repeat(65)}/demo`, "", ""],
    ["/elsewhere/demo", "", ""],
  ])("reads %s", (path, meetingId, userId) => {
    expect(parseRoute(path)).toEqual({ meetingId, userId });
  });
});

describe("meetingIdFrom", () => {
  it.each([
    ["demo", "demo"],
    ["  demo_1-x ", "demo_1-x"],
    ["weekly planning", "weekly-planning"],
    ["https://meet.example.org/meeting/demo?x=1", "demo"],
    ["http://localhost:8080/meeting/ada/demo", "demo"],
    ["https://example.org/other", ""],
    ["Grüße", ""],
    ["x".repeat(256), ""],
  ])("takes %j as %j", (input, id) => {
    expect(meetingIdFrom(input)).toBe(id);
  });
});

it("makes ids that are valid and differ", () => {
  const ids = Array.from({ length: 200 }, newMeetingId);
  expect(new Set(ids).size).toBe(200);
  for (const id of ids) {
    expect(isMeetingId(id)).toBe(true);
    expect(id).toMatch(/^[a-z]{3}-[a-z]{4}-[a-z]{3}$/);
    expect(parseRoute(meetingPath(id)).meetingId).toBe(id);
  }
});
