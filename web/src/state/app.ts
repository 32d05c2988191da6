// SPDX-License-Identifier: MIT
// All that the page shows, in one place. Functions in actions.ts change it.
import type { DeviceLists, DeviceTrouble } from "../media/capture";
import type { CallFacts, Member } from "../media/messages";
import type { Milestone } from "../media/milestones";
import type { MeetingInfo } from "../net/join";
import type { Phase } from "../net/session";
import { loadPreferences, type Preferences } from "./preferences";
import { parseRoute, type Route } from "./route";
import { Store } from "./store";

/** A device of our own. */
export interface DeviceState {
  track: MediaStreamTrack | null;
  opening: boolean;
  trouble: DeviceTrouble | null;
}

export interface ChatLine {
  id: number;
  sessionId: number;
  name: string;
  text: string;
  sentMs: number;
  mine: boolean;
}

export interface FlyingReaction {
  id: number;
  kind: number;
  name: string;
}

export interface Notice {
  id: number;
  text: string;
}

export type Panel = "none" | "chat" | "people" | "more";

export interface AppState {
  route: Route;
  step: "home" | "lobby" | "call";
  preferences: Preferences;
  microphone: DeviceState;
  camera: DeviceState;
  screen: DeviceState;
  devices: DeviceLists;
  /** Who is in the meeting, as seen from the lobby; null: not known. */
  info: MeetingInfo | null;
  /** false: the browser wants a click before it plays sound. */
  soundRunning: boolean;
  online: boolean;

  phase: Phase;
  sessionId: number;
  members: Member[];
  participantCount: number;
  /** Session ids of those who speak; 0 is oneself. */
  speaking: ReadonlySet<number>;
  /** When each last spoke, for the first page of a large meeting. */
  lastSpokeMs: ReadonlyMap<number, number>;
  /** Keys (pictureKey) of pictures that move. */
  flowing: ReadonlySet<string>;
  /** Whose network is weak. */
  weak: ReadonlySet<number>;
  pinned: number;
  handRaised: boolean;
  chat: ChatLine[];
  unread: number;
  reactions: FlyingReaction[];
  facts: CallFacts | null;
  /** When each step of joining was passed, ms of the wall clock. */
  milestones: Partial<Record<Milestone, number>>;
  panel: Panel;
  notices: Notice[];
  /** Said to screen readers. */
  announcement: string;
}

const DEVICE: DeviceState = { track: null, opening: false, trouble: null };

/** What a call starts with. */
export const NEW_CALL = {
  phase: { name: "joining" } as Phase,
  sessionId: 0,
  members: [] as Member[],
  participantCount: 0,
  speaking: new Set<number>() as ReadonlySet<number>,
  lastSpokeMs: new Map<number, number>() as ReadonlyMap<number, number>,
  flowing: new Set<string>() as ReadonlySet<string>,
  weak: new Set<number>() as ReadonlySet<number>,
  pinned: 0,
  handRaised: false,
  chat: [] as ChatLine[],
  unread: 0,
  reactions: [] as FlyingReaction[],
  facts: null,
  milestones: {} as AppState["milestones"],
  panel: "none" as Panel,
};

export function initialState(path: string): AppState {
  const route = parseRoute(path);
  return {
    route,
    step: route.meetingId === "" ? "home" : "lobby",
    preferences: loadPreferences(),
    microphone: DEVICE,
    camera: DEVICE,
    screen: DEVICE,
    devices: { microphones: [], cameras: [], speakers: [] },
    info: null,
    soundRunning: true,
    online: true,
    ...NEW_CALL,
    notices: [],
    announcement: "",
  };
}

export function pictureKey(sessionId: number, kind: string): string {
  return `${sessionId}/${kind}`;
}

export type AppStore = Store<AppState>;
