// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { MeetingEvent, MemberRole, type MeetingNews } from "../../src/net/meeting_events";
import { Roster } from "../../src/net/roster";

function news(event: MeetingEvent, sessionId = 0, more: Partial<MeetingNews> = {}): MeetingNews {
  return {
    event,
    sessionId,
    userId: `user-${sessionId}`,
    displayName: `Name ${sessionId}`,
    participantCount: 0,
    message: "",
    isGuest: false,
    role: MemberRole.PARTICIPANT,
    flags: null,
    ...more,
  };
}

const joined = (id: number, more?: Partial<MeetingNews>) =>
  news(MeetingEvent.PARTICIPANT_JOINED, id, more);
const activated = news(MeetingEvent.MEETING_ACTIVATED);
const ids = (roster: Roster) => roster.all.map((member) => member.sessionId);

describe("Roster", () => {
  it("takes the first list without calling it news", () => {
    const roster = new Roster(0);
    roster.begin(1);
    expect(roster.news(joined(2))).toEqual({ joined: [], left: [] });
    roster.news(activated);
    expect(ids(roster)).toEqual([2]);
    expect(roster.news(joined(3))!.joined.map((member) => member.sessionId)).toEqual([3]);
  });

  it("never lists oneself", () => {
    const roster = new Roster(0);
    roster.begin(1);
    expect(roster.news(joined(1))).toBeNull();
    expect(ids(roster)).toEqual([]);
  });

  it("drops whoever a new connection did not list", () => {
    const roster = new Roster(0);
    roster.begin(1);
    roster.news(joined(2));
    roster.news(joined(3));
    roster.news(activated);
    roster.begin(1);
    roster.news(joined(3));
    const change = roster.news(activated)!;
    expect(change.left.map((member) => member.sessionId)).toEqual([2]);
    expect(ids(roster)).toEqual([3]);
  });

  it("calls it news when somebody came while the connection was lost", () => {
    const roster = new Roster(0);
    roster.begin(1);
    roster.news(activated);
    roster.begin(1);
    expect(roster.news(joined(4))!.joined.length).toBe(1);
  });

  it("keeps what a member said, and tells only of changes", () => {
    const roster = new Roster(0);
    roster.begin(1);
    roster.news(joined(2));
    const flags = {
      video: true,
      audio: true,
      screen: false,
      speaking: false,
      handRaised: false,
      displayName: "",
    };
    expect(roster.state(2, flags)).not.toBeNull();
    expect(roster.state(2, { ...flags, speaking: true })).toBeNull();
    expect(roster.get(2)).toMatchObject({ video: true, displayName: "Name 2" });
    expect(roster.state(9, flags)).toBeNull();
  });

  it("keeps the flags of a member that is announced again", () => {
    const roster = new Roster(0);
    roster.begin(1);
    roster.news(joined(2, { flags: null }));
    roster.state(2, {
      video: true,
      audio: true,
      screen: false,
      speaking: false,
      handRaised: false,
      displayName: "N",
    });
    roster.news(joined(2));
    expect(roster.get(2)!.video).toBe(true);
  });

  it("knows hosts", () => {
    const roster = new Roster(0);
    roster.begin(1);
    roster.news(joined(2, { role: MemberRole.HOST }));
    expect(roster.get(2)!.isHost).toBe(true);
    roster.news(news(MeetingEvent.HOST_REVOKED, 2));
    expect(roster.get(2)!.isHost).toBe(false);
  });
});
