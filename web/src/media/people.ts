// SPDX-License-Identifier: MIT
// All that this person sees and hears: a receiver per remote track (worker).
import { MediaKind, type LayerCap, type Packet } from "../net/packets";
import { AudioReceiver } from "./audio_receiver";
import { PersonClock } from "./lip_sync";
import type { Loudness, PeerFacts, PictureKind, TileOnScreen } from "./messages";
import type { Milestone } from "./milestones";
import { TOP_LAYER, VideoReceiver } from "./video_receiver";

/** Media of somebody whom nobody introduced is forgotten after this. */
const UNKNOWN_MS = 15_000;
/** A picture that stood still for so long is said to. */
const FROZEN_MS = 1_000;

/** A picture that is off the screen for a moment need not start anew. */
const UNSEEN_MS = 1_000;

interface Person {
  clock: PersonClock;
  audio: AudioReceiver | null;
  pictures: Map<PictureKind, VideoReceiver>;
  port: MessagePort | null;
  flowing: Set<PictureKind>;
}

export interface PeopleDeps {
  now(): number;
  requestKeyframe(sessionId: number, kind: MediaKind, layer: number): void;
  needPlayout(sessionId: number): void;
  dropPlayout(sessionId: number): void;
  flowing(sessionId: number, kind: PictureKind, flowing: boolean): void;
  /** Somebody's picture came so far. */
  milestone(name: Milestone): void;
}

export class People {
  outputLatencyMs = 20;
  private readonly people = new Map<number, Person>();
  /** By session id and kind. A page hands each over once, so they outlive a
   * person that is gone for a moment. */
  private readonly canvases = new Map<string, OffscreenCanvas>();
  /** What is on screen; null: not told yet. */
  private seen: Set<string> | null = null;
  private readonly unseenSince = new Map<string, number>();

  constructor(private readonly deps: PeopleDeps) {}

  media(packet: Packet): void {
    const { header, kind } = packet;
    // Encrypted media is nothing that this page can play yet.
    if (!header || header.keyEpoch !== 0) return;
    const person = this.person(packet.sessionId);
    if (kind === MediaKind.AUDIO) this.sound(packet.sessionId, person, packet);
    const picture = pictureKind(kind);
    if (picture) {
      this.receiver(packet.sessionId, person, picture).push(header, packet.layer, packet.data);
    }
  }

  canvas(sessionId: number, kind: PictureKind, canvas: OffscreenCanvas): void {
    this.canvases.set(canvasKey(sessionId, kind), canvas);
    this.people.get(sessionId)?.pictures.get(kind)?.attach(canvas);
  }

  /** The page shows this person no more. */
  forgetCanvases(sessionId: number): void {
    for (const kind of ["video", "screen"] as const) {
      this.canvases.delete(canvasKey(sessionId, kind));
      this.people.get(sessionId)?.pictures.get(kind)?.attach(null);
    }
  }

  /** What this person's canvas shows now. */
  pixels(sessionId: number, kind: PictureKind): ImageData | null {
    const canvas = this.canvases.get(canvasKey(sessionId, kind));
    if (!canvas || canvas.width === 0) return null;
    // Of a copy: reading from the canvas itself would slow its drawing.
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const context = copy.getContext("2d")!;
    context.drawImage(canvas, 0, 0);
    return context.getImageData(0, 0, copy.width, copy.height);
  }

  playout(sessionId: number, port: MessagePort): void {
    const person = this.person(sessionId);
    person.port = port;
    person.audio?.attach(port);
  }

  /** What is on screen now; all else is decoded no longer. */
  viewport(tiles: TileOnScreen[]): void {
    this.seen = new Set(tiles.map(({ sessionId, kind }) => canvasKey(sessionId, kind)));
    this.pauseUnseen();
  }

  /** Whose pictures are to come in a lower layer than there may be. */
  get layerCaps(): LayerCap[] {
    return this.all().flatMap(({ sessionId, kind, receiver }) => {
      const layer = receiver.layerCap;
      return layer < TOP_LAYER ? [{ sessionId, kind: mediaKind(kind), layer }] : [];
    });
  }

  /** The person turned this track off. */
  pictureOff(sessionId: number, kind: PictureKind): void {
    this.people.get(sessionId)?.pictures.get(kind)?.stop();
  }

  remove(sessionId: number): void {
    const person = this.people.get(sessionId);
    if (!person) return;
    this.people.delete(sessionId);
    person.audio?.close();
    for (const [kind, receiver] of person.pictures) {
      receiver.close();
      this.unseenSince.delete(canvasKey(sessionId, kind));
    }
    this.deps.dropPlayout(sessionId);
  }

  /** Forgets media without a member; `known` tells who is one. */
  prune(known: (sessionId: number) => boolean): void {
    const now = this.deps.now();
    for (const [sessionId, person] of this.people) {
      if (known(sessionId)) continue;
      const heard = [person.audio, ...person.pictures.values()].map(
        (receiver) => receiver?.lastPacketMs ?? 0,
      );
      if (now - Math.max(0, ...heard) > UNKNOWN_MS) this.remove(sessionId);
    }
  }

  /** Says which pictures began to move or stand still, and asks for those that
   * do not come; 10 times a second. */
  watch(): void {
    const now = this.deps.now();
    this.pauseUnseen();
    for (const { sessionId, kind, person, receiver } of this.all()) {
      if (kind === "video") receiver.askIfSilent(); // a screen may stand still
      const drawn = receiver.facts.lastDrawnMs;
      const flowing = drawn > 0 && now - drawn < FROZEN_MS;
      if (flowing === person.flowing.has(kind)) continue;
      if (flowing) person.flowing.add(kind);
      else person.flowing.delete(kind);
      this.deps.flowing(sessionId, kind, flowing);
    }
  }

  get loudness(): Loudness[] {
    return [...this.people].flatMap(([sessionId, { audio }]) => {
      if (!audio) return [];
      const { level, speaking } = audio.facts;
      return [{ sessionId, level, speaking }];
    });
  }

  get facts(): PeerFacts[] {
    return [...this.people].map(([sessionId, person]) => ({
      sessionId,
      video: person.pictures.get("video")?.facts ?? null,
      screen: person.pictures.get("screen")?.facts ?? null,
      audio: person.audio?.facts ?? null,
    }));
  }

  private pauseUnseen(): void {
    if (!this.seen) return;
    const now = this.deps.now();
    for (const { sessionId, kind, receiver } of this.all()) {
      const key = canvasKey(sessionId, kind);
      if (this.seen.has(key)) {
        this.unseenSince.delete(key);
        receiver.pause(false);
        continue;
      }
      const since = this.unseenSince.get(key) ?? now;
      this.unseenSince.set(key, since);
      if (now - since >= UNSEEN_MS) receiver.pause(true);
    }
  }

  private all() {
    return [...this.people].flatMap(([sessionId, person]) =>
      [...person.pictures].map(([kind, receiver]) => ({ sessionId, kind, person, receiver })),
    );
  }

  private person(sessionId: number): Person {
    let person = this.people.get(sessionId);
    if (!person) {
      person = {
        clock: new PersonClock(),
        audio: null,
        pictures: new Map(),
        port: null,
        flowing: new Set(),
      };
      this.people.set(sessionId, person);
    }
    return person;
  }

  private sound(sessionId: number, person: Person, packet: Packet): void {
    if (!person.audio) {
      person.audio = new AudioReceiver(
        person.clock,
        this.deps.now,
        () => this.outputLatencyMs,
      );
      if (person.port) person.audio.attach(person.port);
      else this.deps.needPlayout(sessionId);
    }
    person.audio.push(packet.header!, packet.data);
  }

  private receiver(sessionId: number, person: Person, kind: PictureKind): VideoReceiver {
    let receiver = person.pictures.get(kind);
    if (!receiver) {
      receiver = new VideoReceiver(person.clock, {
        now: this.deps.now,
        requestKeyframe: (layer) =>
          this.deps.requestKeyframe(sessionId, mediaKind(kind), layer),
        milestone: this.deps.milestone,
      });
      receiver.attach(this.canvases.get(canvasKey(sessionId, kind)) ?? null);
      person.pictures.set(kind, receiver);
    }
    return receiver;
  }
}

function canvasKey(sessionId: number, kind: PictureKind): string {
  return `${sessionId}/${kind}`;
}

export function pictureKind(kind: MediaKind): PictureKind | null {
  if (kind === MediaKind.VIDEO) return "video";
  return kind === MediaKind.SCREEN ? "screen" : null;
}

export function mediaKind(kind: PictureKind): MediaKind {
  return kind === "video" ? MediaKind.VIDEO : MediaKind.SCREEN;
}
