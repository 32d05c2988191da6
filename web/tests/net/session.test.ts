// SPDX-License-Identifier: MIT
// The life of a session on a fake server, a fake network and a fake clock.
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it, vi } from "vitest";
import { CloseCode, type Closed } from "../../src/net/close_code";
import { Refused, type Joined } from "../../src/net/join";
import { PacketType, buildPacket, parsePacket } from "../../src/net/packets";
import { Session, type Phase } from "../../src/net/session";
import type { PacketHandler, Transport } from "../../src/net/transport";
import { PacketWrapperSchema } from "../../src/proto/packet_wrapper_pb";
import { SessionAssignedSchema } from "../../src/proto/session_pb";

class FakeTransport implements Transport {
  readonly kind = "webtransport";
  readonly maxDatagramBytes = 1_000;
  readonly closed: Promise<Closed>;
  readonly control: PacketType[] = [];
  readonly datagrams: Uint8Array[] = [];
  closedWith: number | null = null;
  readonly draining: Promise<void>;
  drain!: () => void;
  private end!: (closed: Closed) => void;

  constructor(
    readonly query: string,
    readonly deliver: PacketHandler,
  ) {
    this.closed = new Promise((resolve) => (this.end = resolve));
    this.draining = new Promise((resolve) => (this.drain = resolve));
  }

  sendControl(packet: Uint8Array): void {
    this.control.push(parsePacket(packet).type);
  }
  sendDatagram(packet: Uint8Array): void {
    this.datagrams.push(packet);
  }
  openGroup(): never {
    throw new Error("no media here");
  }
  close(code: number, reason: string): void {
    this.closedWith = code;
    this.end({ code, reason });
  }
  endedByServer(code: number | null): void {
    this.end({ code, reason: "" });
  }
  assign(sessionId: number, secret = [1, 2, 255]): void {
    const data = toBinary(
      SessionAssignedSchema,
      create(SessionAssignedSchema, { resumeSecret: new Uint8Array(secret), heartbeatS: 5 }),
    );
    const stamped = create(PacketWrapperSchema, {
      packetType: PacketType.SESSION_ASSIGNED,
      data,
      sessionId: BigInt(sessionId),
    });
    this.deliver(toBinary(PacketWrapperSchema, stamped));
  }
}

const JOINED: Joined = {
  userId: "u",
  displayName: "U",
  status: "admitted",
  isHost: false,
  token: "a b",
  e2ee: "off",
  transports: [{ kind: "webtransport", url: "https://h/meet/m", certificateHashes: [] }],
};

function setUp(options: { join?: () => Promise<Joined>; kinds?: string[] } = {}) {
  const transports: FakeTransport[] = [];
  const phases: Phase[] = [];
  const sleeps: number[] = [];
  const clock = { now: 0 };
  const events = { assigned: vi.fn(), lost: vi.fn(), packet: vi.fn(), rtt: vi.fn() };
  let unreachable = 0;
  const session = new Session(
    {
      join: options.join ?? (async () => JOINED),
      connect: async (_offer, query, deliver) => {
        if (unreachable-- > 0) throw new Error("no way");
        const transport = new FakeTransport(query, deliver);
        transports.push(transport);
        return transport;
      },
      kinds: options.kinds ?? ["webtransport"],
      now: () => clock.now,
      sleep: async (ms) => {
        sleeps.push(ms);
        clock.now += ms;
      },
      random: () => 0.5,
      meetingId: "m",
      client: "test",
    },
    { ...events, phase: (phase) => phases.push(phase) },
  );
  const done = session.run();
  return {
    session,
    transports,
    phases,
    sleeps,
    clock,
    events,
    done,
    fail: (times: number) => (unreachable = times),
    /** Waits for the n-th transport (from 0). */
    transport: (n: number) => vi.waitFor(() => {
      expect(transports.length).toBeGreaterThan(n);
      return transports[n]!;
    }),
    last: () => phases.at(-1)!,
  };
}

describe("Session", () => {
  it("keeps media that overtakes SESSION_ASSIGNED", async () => {
    const t = setUp();
    const transport = await t.transport(0);
    await vi.waitFor(() => expect(transport.control).toEqual([PacketType.CONNECTION]));
    transport.deliver(buildPacket(PacketType.CHAT, new Uint8Array([1])));
    transport.deliver(buildPacket(PacketType.CHAT, new Uint8Array([2])));
    expect(t.events.packet).not.toHaveBeenCalled();
    transport.assign(7);
    transport.deliver(buildPacket(PacketType.CHAT, new Uint8Array([3])));
    const order = t.events.packet.mock.calls.map(([packet]) => packet.data[0]);
    expect(order).toEqual([1, 2, 3]);
    expect(t.events.assigned.mock.invocationCallOrder[0]!).toBeLessThan(
      t.events.packet.mock.invocationCallOrder[0]!,
    );
  });

  it("forgets what came early on a connection that got no session", async () => {
    const t = setUp();
    const first = await t.transport(0);
    await vi.waitFor(() => expect(first.control).toEqual([PacketType.CONNECTION]));
    first.deliver(buildPacket(PacketType.CHAT, new Uint8Array([1])));
    first.endedByServer(null);
    const second = await t.transport(1);
    await vi.waitFor(() => expect(second.control).toEqual([PacketType.CONNECTION]));
    second.assign(7);
    expect(t.events.packet).not.toHaveBeenCalled();
  });

  it("sends CONNECTION first and nothing more until it has a session", async () => {
    const t = setUp();
    const transport = await t.transport(0);
    await vi.waitFor(() => expect(transport.control).toEqual([PacketType.CONNECTION]));
    t.session.send(buildPacket(PacketType.CHAT, new Uint8Array()));
    expect(transport.control).toEqual([PacketType.CONNECTION]);
    expect(transport.query).toBe("?token=a%20b&v=1");
    transport.assign(7);
    expect(t.last()).toMatchObject({ name: "connected", transport: "webtransport" });
    expect(t.events.assigned.mock.calls[0]![0]).toBe(7);
    t.session.send(buildPacket(PacketType.CHAT, new Uint8Array()));
    expect(transport.control).toEqual([PacketType.CONNECTION, PacketType.CHAT]);
  });

  it("joins anew and resumes after a loss, with the secret in base64url", async () => {
    const t = setUp();
    const first = await t.transport(0);
    first.assign(7, [0xfb, 0xff]);
    first.endedByServer(null);
    const second = await t.transport(1);
    expect(t.events.lost).toHaveBeenCalledTimes(1);
    expect(second.query).toContain("&resume=-_8");
    expect(t.last()).toMatchObject({ name: "reconnecting" });
    second.assign(7);
    expect(t.events.assigned.mock.calls[1]![2]).toBe(true);
    expect(t.last()).toMatchObject({ name: "connected" });
  });

  it("moves from a draining server to another one, with its session", async () => {
    const t = setUp();
    const first = await t.transport(0);
    first.assign(7);
    first.drain();
    const second = await t.transport(1);
    expect(first.closedWith).toBe(CloseCode.draining);
    expect(second.query).toContain("&resume=AQL_");
    second.assign(7);
    expect(t.events.assigned.mock.calls[1]![2]).toBe(true);
    expect(t.last()).toMatchObject({ name: "connected" });
  });

  it("stays with a draining server while nobody else takes it", async () => {
    let joins = 0;
    const join = async () => {
      if (++joins === 2 || joins === 3) throw new Refused(503, "DRAINING", "", 1);
      return JOINED;
    };
    const t = setUp({ join });
    const first = await t.transport(0);
    first.assign(7);
    first.drain();
    await t.transport(1);
    expect(joins).toBe(4);
    expect(t.phases.filter(({ name }) => name === "refused")).toEqual([]);
    // Not at once, and then a second apart.
    expect(t.sleeps.slice(0, 3)).toEqual([250, 1_000, 1_000]);
  });

  it("tries often for a moment after the server has drained", async () => {
    let joins = 0;
    const join = async () => {
      if (++joins > 1 && joins < 8) throw new Refused(503, "DRAINING", "", 1);
      return JOINED;
    };
    const t = setUp({ join });
    const first = await t.transport(0);
    first.assign(7);
    first.endedByServer(CloseCode.draining);
    await t.transport(1);
    expect(t.sleeps[0]).toBe(50);
    expect(t.sleeps.slice(1, 7)).toEqual([150, 150, 150, 150, 150, 150]);
  });

  it("tells when the server gave it another session", async () => {
    const t = setUp();
    (await t.transport(0)).assign(7);
    t.transports[0]!.endedByServer(CloseCode.draining);
    (await t.transport(1)).assign(8);
    expect(t.events.assigned.mock.calls[1]!.slice(0, 1)).toEqual([8]);
    expect(t.events.assigned.mock.calls[1]![2]).toBe(false);
  });

  it.each([
    [CloseCode.meetingEnded, "meeting-ended"],
    [CloseCode.removed, "removed"],
    [CloseCode.protocolError, "protocol-error"],
    [CloseCode.superseded, "superseded"],
  ])("is over after close code %i", async (code, cause) => {
    const t = setUp();
    (await t.transport(0)).assign(7);
    t.transports[0]!.endedByServer(code);
    await t.done;
    expect(t.last()).toMatchObject({ name: "ended", cause });
    expect(t.transports.length).toBe(1);
  });

  it("does not resume a session that the server says it left", async () => {
    const t = setUp();
    (await t.transport(0)).assign(7);
    t.transports[0]!.endedByServer(CloseCode.left);
    expect((await t.transport(1)).query).not.toContain("resume");
  });

  it("waits longer after each failure, and forgets a secret that does not help", async () => {
    const t = setUp();
    (await t.transport(0)).assign(7);
    t.fail(4);
    t.transports[0]!.endedByServer(null);
    expect((await t.transport(1)).query).not.toContain("resume");
    expect(t.sleeps).toEqual([50, 500, 1000, 2000, 4000]);
  });

  it("gives up on a refusal and says why", async () => {
    const t = setUp({
      join: () => Promise.reject(new Refused(404, "meeting-not-found", "None.", 0)),
    });
    await t.done;
    expect(t.last()).toEqual({
      name: "refused",
      status: 404,
      code: "meeting-not-found",
      reason: "None.",
    });
  });

  it("tries again when the server is busy", async () => {
    let calls = 0;
    const t = setUp({
      join: () =>
        ++calls < 3 ? Promise.reject(new Refused(503, "", "", 0)) : Promise.resolve(JOINED),
    });
    (await t.transport(0)).assign(7);
    expect(calls).toBe(3);
    expect(t.phases.some((phase) => phase.name === "connecting")).toBe(true);
  });

  it("says that the browser is too old", async () => {
    const t = setUp({ kinds: [] });
    await t.done;
    expect(t.last()).toEqual({ name: "unsupported" });
  });

  it("measures the round trip and notices silence", async () => {
    const t = setUp();
    const transport = await t.transport(0);
    transport.assign(7);
    const probe = transport.datagrams.at(-1)!;
    expect(parsePacket(probe).type).toBe(PacketType.RTT);
    t.clock.now = 40;
    transport.deliver(probe);
    expect(t.events.rtt).toHaveBeenCalledWith(40);
    t.clock.now = 6_000;
    t.session.tick();
    expect(transport.closedWith).toBeNull();
    t.clock.now = 6_100;
    t.session.tick();
    expect(transport.closedWith).toBe(CloseCode.idle);
  });

  it("looks sooner after the machine slept", async () => {
    const t = setUp();
    const transport = await t.transport(0);
    transport.assign(7);
    t.clock.now = 1_000;
    t.session.poke();
    t.clock.now = 2_600;
    t.session.tick();
    expect(transport.closedWith).toBe(CloseCode.idle);
  });

  it("leaves with code 0 and stays away", async () => {
    const t = setUp();
    const transport = await t.transport(0);
    transport.assign(7);
    t.session.leave();
    await t.done;
    expect(transport.closedWith).toBe(CloseCode.left);
    expect(t.last()).toMatchObject({ name: "ended", cause: "left" });
    expect(t.transports.length).toBe(1);
  });

  it("survives a packet that does not parse", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const t = setUp();
    const transport = await t.transport(0);
    transport.assign(7);
    transport.deliver(new Uint8Array([0xff, 0xff]));
    expect(warn).toHaveBeenCalled();
    expect(t.last()).toMatchObject({ name: "connected" });
    warn.mockRestore();
  });
});
