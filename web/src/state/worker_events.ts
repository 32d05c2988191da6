// SPDX-License-Identifier: MIT
// What the media worker says, as changes of state.
import type { CallFacts, FromWorker, Loudness, Member } from "../media/messages";
import type { Phase } from "../net/session";
import { t } from "../strings";
import {
  bridge,
  cameraOff,
  closeDevices,
  microphoneOff,
  notice,
  screenOff,
  showReaction,
} from "./actions";
import { pictureKey, type AppStore } from "./app";
import { WeakSigns } from "./weak_signs";

const MAX_CHAT_LINES = 500;
const FORGET_MS = 30_000;
const NEWS_UP_TO = 12;
let lines = 0;

export function workerSaid(store: AppStore, message: FromWorker): void {
  const state = store.get();
  switch (message.type) {
    case "phase":
      phase(store, message.phase);
      return;
    case "session":
      store.set({ sessionId: message.sessionId });
      return;
    case "members":
      members(store, message.members, message.joined, message.left);
      return;
    case "participant-count":
      store.set({ participantCount: message.count });
      return;
    case "loudness":
      loudness(store, message.levels);
      return;
    case "facts":
      facts(store, message.facts);
      return;
    case "picture": {
      const flowing = new Set(state.flowing);
      const key = pictureKey(message.sessionId, message.kind);
      if (message.flowing) flowing.add(key);
      else flowing.delete(key);
      store.set({ flowing });
      return;
    }
    case "chat":
      chat(store, message);
      return;
    case "reaction":
      if (message.sessionId !== state.sessionId) {
        showReaction(message.kind, nameOf(state.members, message.sessionId));
      }
      return;
    case "milestone":
      store.set({ milestones: { ...state.milestones, [message.name]: message.atMs } });
      return;
    case "host-muted":
      hostMuted(message.kind);
      return;
    case "track-failed":
      trackFailed(message.kind);
      return;
  }
}

function phase(store: AppStore, next: Phase): void {
  store.set({ phase: next });
  if (next.name !== "ended" && next.name !== "refused") return;
  // The call is over: the camera's light goes out.
  closeDevices();
  store.set({ notices: [] });
}

function members(store: AppStore, all: Member[], joined: Member[], left: Member[]): void {
  for (const { sessionId } of left) setTimeout(() => forgetIfGone(store, sessionId), FORGET_MS);
  const present = new Set(store.get().members.map((member) => member.userId));
  const news = joined
    .filter((member) => !present.has(member.userId) && !leaving.has(member.userId))
    .map((member) => t().call.joined(member.displayName));
  const gone = new Set(left.map((member) => member.sessionId));
  const { pinned } = store.get();
  store.set({
    members: all,
    ...(gone.has(pinned) && { pinned: 0 }),
  });
  tell(store, news);
  for (const member of left) tellLater(store, member);
}

/** Whoever is back within this time, with any session, has not left. */
const LEFT_AFTER_MS = 3_000;
const leaving = new Set<string>();

function tellLater(store: AppStore, member: Member): void {
  leaving.add(member.userId);
  setTimeout(() => {
    leaving.delete(member.userId);
    const { members: now, step } = store.get();
    const back = now.some((one) => one.userId === member.userId);
    if (!back && step === "call") tell(store, [t().call.left(member.displayName)]);
  }, LEFT_AFTER_MS);
}

function tell(store: AppStore, news: string[]): void {
  if (news.length === 0) return;
  store.set({ announcement: news.join(" ") });
  // In a large meeting comings and goings are no news.
  if (store.get().members.length <= NEWS_UP_TO) news.forEach(notice);
}

/** Somebody whose connection was lost for a moment keeps the same tile. */
function forgetIfGone(store: AppStore, sessionId: number): void {
  const back = store.get().members.some((member) => member.sessionId === sessionId);
  if (!back) bridge.forget(sessionId);
}

function loudness(store: AppStore, levels: Loudness[]): void {
  const before = store.get().speaking;
  const speaking = new Set(levels.filter((one) => one.speaking).map((one) => one.sessionId));
  if (speaking.size === before.size && [...speaking].every((id) => before.has(id))) return;
  const lastSpokeMs = new Map(store.get().lastSpokeMs);
  for (const id of speaking) lastSpokeMs.set(id, performance.now());
  store.set({ speaking, lastSpokeMs });
}

const weakSigns = new WeakSigns();

function facts(store: AppStore, news: CallFacts): void {
  const before = store.get().weak;
  const weak = weakSigns.update(news.peers);
  const same = weak.size === before.size && [...weak].every((id) => before.has(id));
  store.set({ facts: news, ...(!same && { weak }) });
}

function chat(store: AppStore, message: Extract<FromWorker, { type: "chat" }>): void {
  const state = store.get();
  const mine = message.sessionId === state.sessionId;
  const line = {
    id: ++lines,
    sessionId: message.sessionId,
    name: message.displayName,
    text: message.text,
    sentMs: message.sentMs || Date.now(),
    mine,
  };
  const seen = mine || state.panel === "chat";
  store.set({
    chat: [...state.chat, line].slice(-MAX_CHAT_LINES),
    unread: seen ? state.unread : state.unread + 1,
    ...(!mine && { announcement: t().call.said(line.name, line.text) }),
  });
}

function hostMuted(kind: "audio" | "video"): void {
  if (kind === "audio") microphoneOff();
  else cameraOff();
  notice(kind === "audio" ? t().call.hostMuted : t().call.hostStoppedVideo);
}

function trackFailed(kind: "audio" | "video" | "screen"): void {
  if (kind === "screen") screenOff();
  notice(t().call.trackFailed[kind]);
}

function nameOf(all: Member[], sessionId: number): string {
  return all.find((member) => member.sessionId === sessionId)?.displayName ?? "";
}
