// SPDX-License-Identifier: MIT
// The page in states that are hard to reach by hand, for looking at. Served by
// `npm run stories`, never part of the build. ?story=call&people=5&panel=chat
import { render } from "preact";
import type { Member } from "../src/media/messages";
import { bridge, store } from "../src/state/actions";
import { pictureKey, type Panel } from "../src/state/app";
import { applyLanguage } from "../src/strings";
import { App } from "../src/ui/app";

const NAMES = [
  "Ada Lovelace",
  "Grace Hopper",
  "Marie Curie",
  "Alan Turing",
  "Katherine Johnson",
  "Emmy Noether",
  "Hedy Lamarr",
  "Srinivasa Ramanujan",
  "A person with quite a long name that does not fit",
  "Rosalind Franklin",
];
const query = new URLSearchParams(location.search);
const people = Number(query.get("people") ?? 0);

function member(index: number): Member {
  return {
    sessionId: index + 1,
    userId: `user-${index}`,
    displayName: NAMES[index % NAMES.length]!,
    isHost: index === 0,
    isObserver: false,
    isGuest: index === 3,
    video: index % 3 !== 2,
    audio: index % 4 !== 1,
    screen: query.has("screen") && index === 0,
    handRaised: index === 4,
  };
}

/** A landscape instead of a face. */
function picture(seed: number, width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d")!;
  const sky = context.createLinearGradient(0, 0, 0, height);
  sky.addColorStop(0, `hsl(${seed * 67} 45% 62%)`);
  sky.addColorStop(1, `hsl(${seed * 67 + 50} 55% 80%)`);
  context.fillStyle = sky;
  context.fillRect(0, 0, width, height);
  for (let hill = 0; hill < 3; hill++) {
    context.fillStyle = `hsl(${seed * 67 + 120} 22% ${46 - hill * 11}%)`;
    context.beginPath();
    context.moveTo(0, height);
    for (let x = 0; x <= width; x += 8) {
      const wave = Math.sin(x / (90 + hill * 40) + seed + hill * 2) * 26;
      context.lineTo(x, height * (0.55 + hill * 0.14) + wave);
    }
    context.lineTo(width, height);
    context.fill();
  }
  return canvas;
}

function fakePictures(): void {
  const made = new Map<string, HTMLCanvasElement>();
  bridge.canvas = (sessionId, kind) => {
    const key = pictureKey(sessionId, kind);
    const size: [number, number] = kind === "screen" ? [1280, 800] : [640, 360];
    const canvas = made.get(key) ?? picture(sessionId, ...size);
    made.set(key, canvas);
    return canvas;
  };
}

function call(): void {
  const members = Array.from({ length: people }, (_, i) => member(i));
  store.set({
    step: "call",
    route: { meetingId: "weekly-planning", userId: "" },
    phase: { name: "connected", transport: "webtransport", fallback: false, e2ee: "off", isHost: true },
    sessionId: 99,
    members,
    speaking: new Set(people > 0 ? [1] : []),
    weak: new Set(people > 4 ? [4] : []),
    flowing: new Set(
      members
        .filter((one) => one.sessionId !== 7)
        .flatMap((one) => [pictureKey(one.sessionId, "video"), pictureKey(one.sessionId, "screen")]),
    ),
    panel: (query.get("panel") ?? "none") as Panel,
    chat: [
      { id: 1, sessionId: 1, name: NAMES[0]!, text: "Good morning!", sentMs: 0, mine: false },
      { id: 2, sessionId: 99, name: "Me", text: "Hello. The notes are in the wiki, as last week.", sentMs: 6e4, mine: true },
    ],
    reactions: query.has("react") ? [{ id: 1, kind: 5, name: NAMES[0]! }] : [],
    ...(query.get("phase") === "lost" && {
      phase: { name: "reconnecting", sinceMs: 0, retryAtMs: 0 },
    }),
    ...(query.get("phase") === "removed" && {
      phase: { name: "ended", cause: "removed", reason: "" },
    }),
  });
}

const theme = query.get("theme") === "dark" ? "dark" : "light";
const stored = { ...store.get().preferences, theme, name: query.get("name") ?? "Lise Meitner" };
store.set({ preferences: stored as typeof stored & { theme: "light" | "dark" } });
applyLanguage();
if (query.has("rtl")) document.documentElement.dir = "rtl";
fakePictures();
switch (query.get("story")) {
  case "call":
    call();
    break;
  case "lobby":
    store.set({
      step: "lobby",
      route: { meetingId: "weekly-planning", userId: "" },
      info: { participants: NAMES.slice(0, 2), count: 5 },
    });
    break;
}
render(<App />, document.getElementById("app")!);
