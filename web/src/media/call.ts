// SPDX-License-Identifier: MIT
// One call in the worker: the session, what is sent, and what is received.
import { join } from "../net/join";
import {
  MeetingEvent,
  parseLayerHint,
  parseMeeting,
  type Assigned,
} from "../net/meeting_events";
import {
  PacketType,
  buildChat,
  buildKeyframeRequest,
  buildLayerPreference,
  buildMemberState,
  buildReaction,
  buildViewport,
  parseChat,
  parseKeyframeRequest,
  parseMemberState,
  parseReaction,
  type Packet,
} from "../net/packets";
import { HealthReporter } from "../net/health";
import { ProbeHistory } from "../net/probe_history";
import { Roster, type RosterChange } from "../net/roster";
import { Session } from "../net/session";
import { connectWebSocket } from "../net/websocket";
import { connectWebTransport } from "../net/webtransport";
import type { FromWorker, TileOnScreen, ToWorker } from "./messages";
import { Milestones } from "./milestones";
import { People, mediaKind, pictureKind } from "./people";
import { Publisher } from "./publisher";

type Start = Extract<ToWorker, { type: "start" }>;
export type Post = (message: FromWorker) => void;

const TICK_MS = 33;
const LOUDNESS_TICKS = 3;
const SESSION_TICKS = 8;
const FACTS_TICKS = 15;
const PRUNE_TICKS = 150;
const HEALTH_TICKS = 300;
const PREFER_TICKS = 6;
/** At most five a second by the contract. */
const VIEWPORT_SPACING_MS = 250;
const DEFAULT_HEARTBEAT_S = 5;
/** A tick this late means that the machine slept. */
const SLEPT_MS = 4_000;
const JOIN_TIMEOUT_MS = 10_000;
/** Without these there is nothing to see, hear or send. */
const ABILITIES = ["VideoDecoder", "AudioDecoder", "VideoEncoder", "AudioEncoder"];
/** By kind, best first, and what a browser needs for it. */
const TRANSPORTS = [
  { kind: "webtransport", ability: "WebTransport", connect: connectWebTransport },
  { kind: "websocket", ability: "WebSocket", connect: connectWebSocket },
];

export class Call {
  readonly people: People;
  private readonly session: Session;
  private readonly milestones: Milestones;
  private readonly roster = new Roster(0);
  private readonly timer: ReturnType<typeof setInterval>;
  private tiles: TileOnScreen[] = [];
  /** The server was told what is on screen: an empty list is news then. */
  private told = false;
  private viewportDue = false;
  /** The layers that were asked for last, so as not to repeat them. */
  private preferred = "";
  private viewportMs = -Infinity;
  private stateMs = -Infinity;
  private heartbeatMs = DEFAULT_HEARTBEAT_S * 1_000;
  private handRaised = false;
  private ownLoudness = { level: 127, speaking: false };
  private readonly probes = new ProbeHistory();
  private readonly health = new HealthReporter();
  private userId = "";
  private ticks = 0;
  private tickedAt = Date.now();

  constructor(
    private readonly start: Start,
    private readonly publisher: Publisher,
    private readonly post: Post,
  ) {
    this.milestones = new Milestones((name, atMs) =>
      post({ type: "milestone", name, atMs }),
    );
    this.people = new People({
      now,
      milestone: (name) => this.milestones.pass(name),
      requestKeyframe: (sessionId, kind, layer) =>
        this.session.send(buildKeyframeRequest(sessionId, kind, layer)),
      needPlayout: (sessionId) => post({ type: "need-playout", sessionId }),
      dropPlayout: (sessionId) => post({ type: "drop-playout", sessionId }),
      flowing: (sessionId, kind, flowing) =>
        post({ type: "picture", sessionId, kind, flowing }),
    });
    this.session = this.createSession();
    this.timer = setInterval(() => this.tick(), TICK_MS);
    void this.session.run().then(() => this.close());
  }

  get transport() {
    return this.session.sessionId === 0 ? null : this.session.transport;
  }

  /** What the probes tell of the way to the server. */
  get way() {
    return this.probes.facts;
  }

  leave(): void {
    this.session.leave();
  }

  poke(): void {
    this.session.poke();
  }

  viewport(tiles: TileOnScreen[]): void {
    this.tiles = tiles;
    this.viewportDue = true;
    this.people.viewport(tiles);
  }

  hand(raised: boolean): void {
    this.handRaised = raised;
    this.sendState();
  }

  chat(text: string): void {
    const id = crypto.getRandomValues(new Uint8Array(16));
    this.session.send(buildChat(id, text, 0));
  }

  reaction(kind: number): void {
    this.session.send(buildReaction(kind));
  }

  loudness(level: number, speaking: boolean): void {
    this.ownLoudness = { level, speaking };
  }

  /** Tells the others what is on and off now. */
  sendState(): void {
    this.stateMs = now();
    this.session.send(
      buildMemberState({
        ...this.publisher.flags,
        speaking: this.publisher.speaking,
        handRaised: this.handRaised,
        displayName: this.start.displayName,
      }),
    );
  }

  private createSession(): Session {
    const { meetingId, displayName, userId, client } = this.start;
    return new Session(
      {
        join: async (signal) => {
          // Whoever comes back is the same person, also to a server that
          // restarted: others see no stranger come and go.
          const claimed = userId || this.userId;
          const limit = AbortSignal.any([signal, AbortSignal.timeout(JOIN_TIMEOUT_MS)]);
          const joined = await join({ meetingId, displayName, userId: claimed }, limit);
          this.userId = joined.userId;
          this.milestones.pass("joined");
          return joined;
        },
        connect: async (offer, ...rest) => {
          const { connect } = TRANSPORTS.find(({ kind }) => kind === offer.kind)!;
          const transport = await connect(offer, ...rest);
          this.milestones.pass("connected");
          return transport;
        },
        kinds: this.kinds(),
        now,
        sleep,
        random: Math.random,
        meetingId,
        client,
      },
      {
        phase: (phase) => this.post({ type: "phase", phase }),
        assigned: (sessionId, assigned) => this.assigned(sessionId, assigned),
        lost: () => this.publisher.interrupted(),
        packet: (packet) => this.packet(packet),
        rtt: (ms) => this.probes.push(ms),
      },
    );
  }

  /** Which transports this browser has, or the one that was asked for. */
  private kinds(): string[] {
    if (!ABILITIES.every((ability) => ability in self)) return [];
    return TRANSPORTS.filter(
      ({ kind, ability }) =>
        ability in self && (this.start.transport === "" || this.start.transport === kind),
    ).map(({ kind }) => kind);
  }

  private assigned(sessionId: number, assigned: Assigned): void {
    this.heartbeatMs = (assigned.heartbeatSeconds || DEFAULT_HEARTBEAT_S) * 1_000;
    this.milestones.pass("assigned");
    this.roster.begin(sessionId);
    this.post({ type: "session", sessionId });
    this.sendState();
    // Nothing is on screen before the first roster; that is not a wish.
    this.viewportDue = this.told || this.tiles.length > 0;
    this.preferred = "";
    this.publisher.interrupted();
    this.probes.reset();
    this.health.reset();
  }

  private packet(packet: Packet): void {
    switch (packet.type) {
      case PacketType.MEDIA:
        return this.people.media(packet);
      case PacketType.MEETING:
        return this.meeting(packet);
      case PacketType.MEMBER_STATE:
        return this.memberState(packet);
      case PacketType.KEYFRAME_REQUEST: {
        const request = parseKeyframeRequest(packet.data);
        const kind = pictureKind(request.kind);
        if (kind) this.publisher.requestKeyframe(kind, request.layer);
        return;
      }
      case PacketType.LAYER_HINT:
        for (const wish of parseLayerHint(packet.data)) {
          const kind = pictureKind(wish.kind);
          if (kind) this.publisher.setWanted(kind, wish.layers);
        }
        return;
      case PacketType.CHAT:
        return this.chatted(packet);
      case PacketType.REACTION:
        return this.post({
          type: "reaction",
          sessionId: packet.sessionId,
          kind: parseReaction(packet.data),
        });
    }
  }

  private meeting(packet: Packet): void {
    const news = parseMeeting(packet.data);
    if (news.event === MeetingEvent.MEETING_ACTIVATED || news.participantCount > 0) {
      this.post({ type: "participant-count", count: news.participantCount });
    }
    if (news.sessionId === this.session.sessionId) {
      if (news.event === MeetingEvent.HOST_MUTE_PARTICIPANT) {
        this.post({ type: "host-muted", kind: "audio" });
      } else if (news.event === MeetingEvent.HOST_DISABLE_VIDEO) {
        this.post({ type: "host-muted", kind: "video" });
      }
    }
    this.changed(this.roster.news(news));
  }

  private memberState(packet: Packet): void {
    const flags = parseMemberState(packet.data);
    const before = this.roster.get(packet.sessionId);
    this.changed(this.roster.state(packet.sessionId, flags));
    if (before?.video && !flags.video) this.people.pictureOff(packet.sessionId, "video");
    if (before?.screen && !flags.screen) this.people.pictureOff(packet.sessionId, "screen");
  }

  private changed(change: RosterChange | null): void {
    if (!change) return;
    for (const member of change.left) this.people.remove(member.sessionId);
    const members = this.roster.all;
    this.post({ type: "members", members, ...change });
  }

  private chatted(packet: Packet): void {
    const message = parseChat(packet.data);
    const name = message.displayName || this.roster.get(packet.sessionId)?.displayName;
    this.post({
      type: "chat",
      sessionId: packet.sessionId,
      displayName: name ?? packet.userId,
      text: message.text,
      sentMs: Number(message.sentMs),
    });
  }

  private tick(): void {
    this.ticks++;
    this.noticeSleep();
    this.publisher.tick();
    if (this.ticks % LOUDNESS_TICKS === 0) this.tellLoudness();
    if (this.ticks % SESSION_TICKS === 0) this.session.tick();
    if (this.ticks % FACTS_TICKS === 0) this.tellFacts();
    if (this.ticks % PREFER_TICKS === 0) this.sendPreference();
    if (this.ticks % HEALTH_TICKS === 0) this.sendHealth();
    if (this.ticks % PRUNE_TICKS === 0) {
      this.people.prune((sessionId) => this.roster.get(sessionId) !== undefined);
    }
    const time = now();
    if (time - this.stateMs >= this.heartbeatMs) this.sendState();
    if (this.session.sessionId !== 0 && this.viewportDue && time - this.viewportMs >= VIEWPORT_SPACING_MS) {
      this.sendViewport(time);
    }
  }

  private noticeSleep(): void {
    const wall = Date.now();
    if (wall - this.tickedAt > SLEPT_MS) this.session.poke();
    this.tickedAt = wall;
  }

  private sendViewport(time: number): void {
    this.viewportDue = false;
    this.told = true;
    this.viewportMs = time;
    this.session.send(
      buildViewport(
        this.tiles.map(({ sessionId, kind, heightPx, pinned }) => ({
          sessionId,
          kind: mediaKind(kind),
          heightPx,
          pinned,
        })),
      ),
    );
  }

  /** A machine too slow asks for less; so does one whose layer dried up. */
  private sendPreference(): void {
    if (this.session.sessionId === 0) return;
    const caps = this.people.layerCaps;
    const wish = JSON.stringify(caps);
    if (wish === (this.preferred || "[]")) return;
    this.preferred = wish;
    this.session.send(buildLayerPreference(caps));
  }

  private tellLoudness(): void {
    this.people.watch();
    this.post({
      type: "loudness",
      levels: [{ sessionId: 0, ...this.ownLoudness }, ...this.people.loudness],
    });
  }

  private sendHealth(): void {
    const { transport } = this;
    if (!transport) return;
    const others = this.people.facts.flatMap(({ sessionId, video, audio }) => {
      const member = this.roster.get(sessionId);
      if (!member) return [];
      return {
        sessionId,
        wantsVideo: member.video && video !== null && !video.paused,
        audio: member.audio,
        framesDecoded: video?.framesDecoded ?? 0,
        videoKbps: video?.kbps ?? 0,
        audioPackets: audio?.packets ?? 0,
      };
    });
    const { rttMs } = this.probes.facts;
    this.session.send(this.health.report(now(), transport.kind, rttMs, others));
  }

  private tellFacts(): void {
    this.post({
      type: "facts",
      facts: {
        rttMs: this.probes.facts.rttMs,
        lostShare: this.probes.facts.lostShare,
        peers: this.people.facts,
        video: this.publisher.stats("video"),
        screen: this.publisher.stats("screen"),
        audioPacketsSent: this.publisher.audioPacketsSent,
      },
    });
  }

  private close(): void {
    clearInterval(this.timer);
    for (const { sessionId } of this.people.facts) this.people.remove(sessionId);
  }
}

const now = () => performance.now();

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
