// SPDX-License-Identifier: MIT
// What the media worker says, as changes of state.
import type { CallFacts, FromWorker, Loudness, Member } from "../media/messages";
import { t } from "../strings";
import {
  bridge,
  cameraOff,
  microphoneOff,
  notice,
  screenOff,
  showReaction,
} from "./actions";
import { pictureKey, type AppStore } from "./app";
import { WeakSigns } from "./weak_signs";

const MAX_CHAT_LINES = 500;
let lines = 0;

export function workerSaid(store: AppStore, message: FromWorker): void {
  const state = store.get();
  switch (message.type) {
    case "phase":
      store.set({ phase: message.phase });
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
    case "host-muted":
      hostMuted(message.kind);
      return;
    case "track-failed":
      trackFailed(message.kind);
      return;
  }
}

function members(store: AppStore, all: Member[], joined: Member[], left: Member[]): void {
  for (const member of left) bridge.forget(member.sessionId);
  const news = [
    ...joined.map((member) => t().call.joined(member.displayName)),
    ...left.map((member) => t().call.left(member.displayName)),
  ];
  const gone = new Set(left.map((member) => member.sessionId));
  const { pinned } = store.get();
  store.set({
    members: all,
    ...(gone.has(pinned) && { pinned: 0 }),
    ...(news.length > 0 && { announcement: news.join(" ") }),
  });
  // In a large meeting comings and goings are no news.
  if (all.length <= 12) news.forEach(notice);
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
