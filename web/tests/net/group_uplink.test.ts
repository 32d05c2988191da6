// SPDX-License-Identifier: MIT
import { describe, expect, it, vi } from "vitest";
import { GroupUplink } from "../../src/net/group_uplink";
import type { GroupSender } from "../../src/net/transport";

class FakeGroup implements GroupSender {
  readonly written: number[] = [];
  state = "open";
  backlog = 0;
  write(packet: Uint8Array): void {
    this.written.push(packet[0]!);
  }
  finish(): void {
    this.state = "finished";
  }
  reset(): void {
    this.state = "reset";
  }
  backlogMs(): number {
    return this.backlog;
  }
}

function setUp() {
  const groups: FakeGroup[] = [];
  const needKeyframe = vi.fn();
  const uplink = new GroupUplink(
    () => {
      const group = new FakeGroup();
      groups.push(group);
      return group;
    },
    needKeyframe,
  );
  let n = 0;
  const send = (temporalId: number, keyframe = false) =>
    uplink.send({ packet: new Uint8Array([n++]), keyframe, temporalId });
  return { uplink, groups, needKeyframe, send };
}

describe("GroupUplink", () => {
  it("opens a stream with each key frame and ends the one before", () => {
    const { groups, send } = setUp();
    send(0, true);
    send(2);
    send(0, true);
    expect(groups.map((group) => group.written)).toEqual([[0, 1], [2]]);
    expect(groups.map((group) => group.state)).toEqual(["finished", "open"]);
  });

  it("sends nothing before a key frame", () => {
    const { uplink, groups, send } = setUp();
    send(0);
    expect(groups.length).toBe(0);
    expect(uplink.dropped).toBe(1);
  });

  it("leaves temporal layers out from the top, for the rest of the group", () => {
    const { groups, send } = setUp();
    send(0, true);
    groups[0]!.backlog = 100;
    send(2);
    send(1);
    groups[0]!.backlog = 200;
    send(1);
    send(0);
    groups[0]!.backlog = 0;
    send(2);
    send(1);
    expect(groups[0]!.written).toEqual([0, 2, 4]);
    send(0, true);
    send(2);
    expect(groups[1]!.written).toEqual([7, 8]);
  });

  it("cuts the group when even the base is late, and asks for a key frame", () => {
    const { uplink, groups, needKeyframe, send } = setUp();
    send(0, true);
    groups[0]!.backlog = 400;
    send(0);
    send(0);
    expect(groups[0]!.state).toBe("reset");
    expect(groups[0]!.written).toEqual([0]);
    expect(needKeyframe).toHaveBeenCalledTimes(1);
    expect(uplink.cuts).toBe(1);
    send(0, true);
    expect(groups[1]!.written).toEqual([3]);
  });
});
