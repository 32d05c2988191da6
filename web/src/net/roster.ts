// SPDX-License-Identifier: MIT
// Who is in the meeting (docs/wire-protocol.md, section 3.3). Pure.
import { MeetingEvent, MemberRole, type MeetingNews } from "./meeting_events";
import type { MemberFlags } from "./packets";

export interface RosterMember {
  sessionId: number;
  userId: string;
  displayName: string;
  isHost: boolean;
  isObserver: boolean;
  isGuest: boolean;
  video: boolean;
  audio: boolean;
  screen: boolean;
  handRaised: boolean;
}

export interface RosterChange {
  joined: RosterMember[];
  left: RosterMember[];
}

const NOBODY: RosterChange = { joined: [], left: [] };

export class Roster {
  private readonly members = new Map<number, RosterMember>();
  /** Those that a new connection has named so far; null: the list is ended. */
  private listed: Set<number> | null = null;
  private hadList = false;

  constructor(private self: number) {}

  /** A new connection: a list of those who are there follows. */
  begin(self: number): void {
    this.self = self;
    this.listed = new Set();
    this.members.delete(self);
  }

  get all(): RosterMember[] {
    return [...this.members.values()];
  }

  get(sessionId: number): RosterMember | undefined {
    return this.members.get(sessionId);
  }

  /** null: nothing changed. */
  news(news: MeetingNews): RosterChange | null {
    switch (news.event) {
      case MeetingEvent.PARTICIPANT_JOINED:
        return this.joined(news);
      case MeetingEvent.PARTICIPANT_LEFT:
      case MeetingEvent.PARTICIPANT_KICKED:
        return this.left([news.sessionId]);
      case MeetingEvent.MEETING_ACTIVATED:
        return this.listEnded();
      case MeetingEvent.PARTICIPANT_DISPLAY_NAME_CHANGED:
        return this.update(news.sessionId, { displayName: news.displayName });
      case MeetingEvent.HOST_GRANTED:
        return this.update(news.sessionId, { isHost: true });
      case MeetingEvent.HOST_REVOKED:
        return this.update(news.sessionId, { isHost: false });
      default:
        return null;
    }
  }

  state(sessionId: number, flags: MemberFlags): RosterChange | null {
    const { video, audio, screen, handRaised } = flags;
    return this.update(sessionId, {
      video,
      audio,
      screen,
      handRaised,
      ...(flags.displayName !== "" && { displayName: flags.displayName }),
    });
  }

  private joined(news: MeetingNews): RosterChange | null {
    const { sessionId } = news;
    if (sessionId === 0 || sessionId === this.self) return null;
    this.listed?.add(sessionId);
    const known = this.members.get(sessionId);
    const flags = news.flags ?? known;
    const member: RosterMember = {
      sessionId,
      userId: news.userId,
      displayName: news.displayName || news.userId,
      isHost: news.role === MemberRole.HOST,
      isObserver: news.role === MemberRole.OBSERVER,
      isGuest: news.isGuest,
      video: flags?.video ?? false,
      audio: flags?.audio ?? false,
      screen: flags?.screen ?? false,
      handRaised: flags?.handRaised ?? false,
    };
    this.members.set(sessionId, member);
    // Those of the first list were there before us; that is no news.
    const isNews = !known && (this.listed === null || this.hadList);
    return isNews ? { joined: [member], left: [] } : NOBODY;
  }

  private left(ids: number[]): RosterChange | null {
    const left = ids.flatMap((id) => this.members.get(id) ?? []);
    for (const member of left) this.members.delete(member.sessionId);
    return left.length > 0 ? { joined: [], left } : null;
  }

  private listEnded(): RosterChange | null {
    const listed = this.listed;
    if (!listed) return null;
    this.listed = null;
    this.hadList = true;
    return this.left([...this.members.keys()].filter((id) => !listed.has(id))) ?? NOBODY;
  }

  private update(sessionId: number, change: Partial<RosterMember>): RosterChange | null {
    const member = this.members.get(sessionId);
    if (!member) return null;
    const changed = { ...member, ...change };
    const same = (Object.keys(change) as (keyof RosterMember)[]).every(
      (key) => member[key] === changed[key],
    );
    if (same) return null;
    this.members.set(sessionId, changed);
    return NOBODY;
  }
}
