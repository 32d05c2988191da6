// SPDX-License-Identifier: MIT
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PacketType, buildPacket } from "../../src/net/packets";
import { WebSocketSession, connectWebSocket } from "../../src/net/websocket";

class FakeSocket {
  static readonly OPEN = 1;
  static last: FakeSocket;
  readyState = 1;
  bufferedAmount = 0;
  binaryType = "";
  readonly sent: string[] = [];
  readonly close = vi.fn();
  onopen: () => void = () => {};
  onclose: (event: { code: number; reason: string }) => void = () => {};
  onmessage: (event: { data: unknown }) => void = () => {};

  constructor(readonly url = "") {
    FakeSocket.last = this;
  }
  send(packet: Uint8Array): void {
    this.sent.push(names.get(packet) ?? "?");
  }
}

const names = new Map<Uint8Array, string>();
function packet(name: string, type = PacketType.CHAT): Uint8Array {
  const bytes = buildPacket(type, new TextEncoder().encode(name));
  names.set(bytes, name);
  return bytes;
}

function setUp(onPacket = vi.fn()) {
  const socket = new FakeSocket();
  const session = new WebSocketSession(socket as unknown as WebSocket, onPacket);
  return { socket, session, onPacket };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  vi.stubGlobal("WebSocket", FakeSocket);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a WebSocket", () => {
  it("sends a packet as a message, at once while the browser holds little", () => {
    const { socket, session } = setUp();
    session.sendControl(packet("a"));
    session.sendDatagram(packet("b"));
    session.openGroup().write(packet("c"));
    expect(socket.sent).toEqual(["a", "b", "c"]);
  });

  it("hands over nothing while the browser holds enough, then the most urgent", () => {
    const { socket, session } = setUp();
    socket.bufferedAmount = 16 * 1024;
    const old = session.openGroup();
    const fresh = session.openGroup();
    old.write(packet("old key"));
    old.write(packet("old delta"));
    fresh.write(packet("new key"));
    session.sendDatagram(packet("sound"));
    session.sendControl(packet("control"));
    vi.advanceTimersByTime(50);
    expect(socket.sent).toEqual([]);
    socket.bufferedAmount = 0;
    vi.advanceTimersByTime(5);
    expect(socket.sent).toEqual(["control", "sound", "old key", "new key", "old delta"]);
  });

  it("forgets a group that was reset, and sound that is late, but no probe", () => {
    const { socket, session } = setUp();
    socket.bufferedAmount = 1e6;
    const group = session.openGroup();
    group.write(packet("picture"));
    session.sendDatagram(packet("sound"));
    session.sendDatagram(packet("probe", PacketType.RTT));
    // The clock of the queue stands while nobody looks.
    for (let i = 0; i < 60; i++) vi.advanceTimersByTime(5), group.backlogMs();
    expect(group.backlogMs()).toBeGreaterThan(200);
    group.reset();
    expect(group.backlogMs()).toBe(0);
    group.write(packet("more"));
    socket.bufferedAmount = 0;
    vi.advanceTimersByTime(5);
    expect(socket.sent).toEqual(["probe"]);
  });

  it("takes binary messages and no others", () => {
    const { socket, onPacket } = setUp();
    socket.onmessage({ data: new Uint8Array([1, 2]).buffer });
    socket.onmessage({ data: "text" });
    expect(onPacket.mock.calls).toEqual([[new Uint8Array([1, 2])]]);
  });

  it.each([
    [4_005, 5],
    [4_000, 0],
    [1_000, 0],
    [1_006, null],
    [1_001, null],
  ])("ends with %i as %s", async (code, expected) => {
    const { socket, session } = setUp();
    socket.onclose({ code, reason: "r" });
    expect(await session.closed).toEqual({ code: expected, reason: "r" });
  });

  it("closes with the contract's code and a reason that fits", async () => {
    const { socket, session } = setUp();
    session.close(6, "ö".repeat(100));
    expect(socket.close).toHaveBeenCalledWith(4_006, "ö".repeat(61));
    expect((await session.closed).code).toBe(6);
  });
});

describe("opening one", () => {
  const offer = { kind: "websocket", url: "ws://h/meet/m", certificateHashes: [] };
  const start = (signal = new AbortController().signal) =>
    connectWebSocket(offer, "?token=t", vi.fn(), signal);

  it("resolves when it is up", async () => {
    const opening = start();
    expect(FakeSocket.last.url).toBe("ws://h/meet/m?token=t");
    FakeSocket.last.onopen();
    expect((await opening).kind).toBe("websocket");
  });

  it("rejects when it is refused, given up, or takes too long", async () => {
    const refused = start();
    FakeSocket.last.onclose({ code: 1_006, reason: "" });
    await expect(refused).rejects.toThrow();
    const stop = new AbortController();
    const aborted = start(stop.signal);
    stop.abort();
    await expect(aborted).rejects.toThrow();
    expect(FakeSocket.last.close).toHaveBeenCalled();
    const slow = start();
    vi.advanceTimersByTime(10_000);
    await expect(slow).rejects.toThrow();
  });
});
