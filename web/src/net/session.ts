// SPDX-License-Identifier: MIT
// The life of a session (docs/wire-protocol.md, section 3): join over HTTP,
// connect, and come back after a loss until somebody says it is over. All that
// touches the world comes in through SessionDeps, so tests run it on a fake.
import { backoffMs } from "./backoff";
import { CloseCode, endCauseOf, mayResume, type EndCause } from "./close_code";
import { Refused, type Joined } from "./join";
import { MeetingEvent, parseAssigned, type Assigned } from "./meeting_events";
import { PacketType, buildConnection, buildPacket, parsePacket, type Packet } from "./packets";
import { race } from "./race";
import type { Connect, Transport, TransportOffer } from "./transport";

export const PROTOCOL_VERSION = 1;

/** What the page shows of the connection, always with words. */
export type Phase =
  | { name: "joining" }
  | { name: "connecting"; failures: number }
  | {
      name: "connected";
      transport: string;
      /** There is a better transport, but it was not up in time. */
      fallback: boolean;
      e2ee: string;
      isHost: boolean;
    }
  | { name: "reconnecting"; sinceMs: number; retryAtMs: number }
  | { name: "ended"; cause: EndCause; reason: string }
  | { name: "refused"; status: number; code: string; reason: string }
  | { name: "unsupported" };

export interface SessionDeps {
  join(signal: AbortSignal): Promise<Joined>;
  connect: Connect;
  /** Which kinds of transport this browser has, best first. */
  kinds: string[];
  /** ms, monotonic while the machine is awake. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  random(): number;
  meetingId: string;
  client: string;
}

export interface SessionEvents {
  phase(phase: Phase): void;
  /** A (new) connection is ready; `resumed` tells that the id stayed. */
  assigned(sessionId: number, assigned: Assigned, resumed: boolean): void;
  /** The transport of the last `assigned` is gone. */
  lost(): void;
  /** Every packet after SESSION_ASSIGNED except RTT. */
  packet(packet: Packet): void;
  /** A round trip of a probe; null: it did not come back. */
  rtt(ms: number | null): void;
}

const ASSIGN_TIMEOUT_MS = 10_000;
/** Nothing at all for so long, not even an echo: the way is dead. */
const SILENCE_MS = 6_000;
/** An early look after the machine slept or changed its network. */
const SILENCE_AFTER_WAKE_MS = 1_500;
const RTT_INTERVAL_MS = 1_000;
/** A probe that is not back by then will not come. */
const PROBE_LOST_MS = 2_500;
/** When a draining server is first looked away from, and then how often. */
const MOVE_DELAY_MS = 500;
const MOVE_RETRY_MS = 1_000;
/** After it closed, another one or itself is there in a moment. */
const DRAIN_RETRY_MS = 200;
const DRAIN_RETRY_FOR_MS = 3_000;
/** Two failed tries with a resume secret: the server may not know it. */
const RESUME_TRIES = 3;
/** Streams overtake one another: media may be here before SESSION_ASSIGNED. */
const MAX_EARLY = 256;

export class Session {
  transport: Transport | null = null;
  sessionId = 0;

  private readonly stop = new AbortController();
  private wake = new AbortController();
  private secret: Uint8Array | null = null;
  private resumeTries = 0;
  private failures = 0;
  private connectedOnce = false;
  private lostAtMs = 0;
  private lastSessionId = 0;
  private lastPacketMs = 0;
  private lastProbeMs = 0;
  /** Where to go instead of the server that drains. */
  private moveTo: Joined | null = null;
  private drainedUntilMs = -Infinity;
  private early: Packet[] = [];
  private probes = new Map<number, number>();
  private nextProbe = 1;

  constructor(
    private readonly deps: SessionDeps,
    private readonly events: SessionEvents,
  ) {}

  /** Runs until the call is over; never rejects. */
  async run(): Promise<void> {
    if (this.deps.kinds.length === 0) {
      this.events.phase({ name: "unsupported" });
      return;
    }
    while (!this.stop.signal.aborted) {
      const over = await this.attempt();
      if (over) {
        this.events.phase(over);
        return;
      }
      await this.pause();
    }
    this.events.phase({ name: "ended", cause: "left", reason: "" });
  }

  leave(): void {
    this.stop.abort();
    this.transport?.close(CloseCode.left, "left");
  }

  sendControl(type: PacketType, data: Uint8Array): void {
    this.send(buildPacket(type, data));
  }

  /** A whole packet, reliable and in order; lost while not connected. */
  send(packet: Uint8Array): void {
    if (this.sessionId !== 0) this.transport?.sendControl(packet);
  }

  /** The network changed or the machine woke up: look now, do not wait. */
  poke(): void {
    this.wake.abort();
    if (this.transport && this.sessionId !== 0) {
      const silence = SILENCE_MS - SILENCE_AFTER_WAKE_MS;
      this.lastPacketMs = Math.min(this.lastPacketMs, this.deps.now() - silence);
      this.probe();
    }
  }

  /** To be called about four times a second. */
  tick(): void {
    if (!this.transport || this.sessionId === 0) return;
    const now = this.deps.now();
    if (now - this.lastPacketMs > SILENCE_MS) {
      this.transport.close(CloseCode.idle, "nothing heard");
    } else if (now - this.lastProbeMs >= RTT_INTERVAL_MS) {
      this.probe();
    }
  }

  /** One join and, if it succeeds, the connection's whole life. */
  private async attempt(): Promise<Phase | null> {
    this.events.phase(this.waitingPhase(this.deps.now()));
    let joined: Joined;
    try {
      joined = this.moveTo ?? (await this.deps.join(this.stop.signal));
      this.moveTo = null;
    } catch (error) {
      if (error instanceof Refused && !error.temporary) return refusal(error);
      this.failures++;
      return null;
    }
    if (joined.status !== "admitted" || joined.token === "") {
      return { name: "refused", status: 403, code: joined.status, reason: "" };
    }
    return this.live(joined);
  }

  private async live(joined: Joined): Promise<Phase | null> {
    const transport = await this.connect(joined);
    if (!transport) {
      this.failures++;
      return null;
    }
    this.transport = transport;
    transport.draining?.then(
      () => void this.leaveDraining(transport),
      () => {},
    );
    if (this.stop.signal.aborted) transport.close(CloseCode.left, "left");
    transport.sendControl(buildConnection(this.deps.meetingId, this.deps.client));
    const timeout = setTimeout(() => {
      if (this.sessionId === 0) transport.close(CloseCode.idle, "no session");
    }, ASSIGN_TIMEOUT_MS);
    const closed = await transport.closed;
    clearTimeout(timeout);
    return this.ended(closed.code, closed.reason);
  }

  /** The call goes on while somebody else is found who takes it over. */
  private async leaveDraining(transport: Transport): Promise<void> {
    let wait = this.deps.random() * MOVE_DELAY_MS;
    for (;;) {
      await this.deps.sleep(wait, this.stop.signal);
      if (this.transport !== transport || this.stop.signal.aborted) return;
      const joined = await this.deps.join(this.stop.signal).catch(() => null);
      if (this.transport !== transport || this.stop.signal.aborted) return;
      if (joined?.status === "admitted" && joined.token !== "") {
        this.moveTo = joined;
        transport.close(CloseCode.draining, "moving");
        return;
      }
      wait = MOVE_RETRY_MS;
    }
  }

  private async connect(joined: Joined): Promise<Transport | null> {
    const resume = this.secret ? `&resume=${base64url(this.secret)}` : "";
    const query = `?token=${encodeURIComponent(joined.token)}&v=${PROTOCOL_VERSION}${resume}`;
    const { connect, sleep } = this.deps;
    try {
      return await race(
        this.usable(joined),
        (offer, signal) => connect(offer, query, (bytes) => this.receive(bytes, joined), signal),
        sleep,
        this.stop.signal,
      );
    } catch {
      if (this.secret && ++this.resumeTries >= RESUME_TRIES) this.secret = null;
      return null;
    }
  }

  /** What both the server and this browser have, best first. */
  private usable(joined: Joined): TransportOffer[] {
    return this.deps.kinds.flatMap((kind) =>
      joined.transports.filter((offer) => offer.kind === kind),
    );
  }

  private ended(code: number | null, reason: string): Phase | null {
    const wasConnected = this.sessionId !== 0;
    this.early = [];
    this.transport = null;
    this.sessionId = 0;
    if (wasConnected) this.events.lost();
    if (this.stop.signal.aborted) return null;
    const cause = endCauseOf(code);
    if (cause) return { name: "ended", cause, reason };
    if (!mayResume(code)) this.secret = null;
    if (wasConnected && code === CloseCode.draining) {
      this.drainedUntilMs = this.deps.now() + DRAIN_RETRY_FOR_MS;
    }
    if (wasConnected) this.lostAtMs = this.deps.now();
    else this.failures++;
    return null;
  }

  private async pause(): Promise<void> {
    if (this.stop.signal.aborted) return;
    this.wake = new AbortController();
    if (this.moveTo) return;
    const quick = this.failures > 0 && this.deps.now() < this.drainedUntilMs;
    const wait = quick
      ? DRAIN_RETRY_MS * (0.5 + 0.5 * this.deps.random())
      : backoffMs(this.failures, this.deps.random());
    this.events.phase(this.waitingPhase(this.deps.now() + wait));
    await this.deps.sleep(wait, AbortSignal.any([this.stop.signal, this.wake.signal]));
  }

  private waitingPhase(retryAtMs: number): Phase {
    if (this.connectedOnce) {
      return { name: "reconnecting", sinceMs: this.lostAtMs, retryAtMs };
    }
    if (this.failures > 0) return { name: "connecting", failures: this.failures };
    return { name: "joining" };
  }

  private receive(bytes: Uint8Array, joined: Joined): void {
    this.lastPacketMs = this.deps.now();
    let packet: Packet;
    try {
      packet = parsePacket(bytes);
      if (packet.type === PacketType.SESSION_ASSIGNED) this.assign(packet, joined);
      else if (packet.type === PacketType.RTT) this.echo(packet.data);
      else if (this.sessionId !== 0) this.events.packet(packet);
      else if (this.early.length < MAX_EARLY) this.early.push(packet);
    } catch (error) {
      // One bad packet is the sender's trouble, not the call's.
      console.warn("videocall: a packet that does not parse", error);
    }
  }

  private assign(packet: Packet, joined: Joined): void {
    if (!this.transport || this.sessionId !== 0) return;
    const assigned = parseAssigned(packet.data);
    const resumed = this.lastSessionId === packet.sessionId;
    this.sessionId = packet.sessionId;
    this.lastSessionId = packet.sessionId;
    this.secret = assigned.resumeSecret.length > 0 ? assigned.resumeSecret : null;
    this.resumeTries = 0;
    this.failures = 0;
    this.connectedOnce = true;
    this.probes.clear();
    this.events.phase({
      name: "connected",
      transport: this.transport.kind,
      fallback: this.transport.kind !== this.usable(joined)[0]?.kind,
      e2ee: joined.e2ee,
      isHost: joined.isHost,
    });
    this.events.assigned(this.sessionId, assigned, resumed);
    for (const early of this.early.splice(0)) this.events.packet(early);
    this.probe();
  }

  private probe(): void {
    const now = this.deps.now();
    const id = this.nextProbe++;
    this.lastProbeMs = now;
    this.probes.set(id, now);
    this.giveUpProbes(now);
    const data = new Uint8Array(4);
    new DataView(data.buffer).setUint32(0, id);
    this.transport!.sendDatagram(buildPacket(PacketType.RTT, data));
  }

  private giveUpProbes(now: number): void {
    for (const [id, sent] of this.probes) {
      if (now - sent < PROBE_LOST_MS) return;
      this.probes.delete(id);
      this.events.rtt(null);
    }
  }

  private echo(data: Uint8Array): void {
    if (data.length !== 4) return;
    const id = new DataView(data.buffer, data.byteOffset).getUint32(0);
    const sent = this.probes.get(id);
    if (sent === undefined) return;
    this.probes.delete(id);
    this.events.rtt(this.deps.now() - sent);
  }
}

/** Whether a MEETING packet ends the list of those who are already there. */
export function endsRoster(event: MeetingEvent): boolean {
  return event === MeetingEvent.MEETING_ACTIVATED;
}

function refusal(error: Refused): Phase {
  return {
    name: "refused",
    status: error.status,
    code: error.code,
    reason: error.message,
  };
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
