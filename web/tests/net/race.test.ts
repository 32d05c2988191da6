// SPDX-License-Identifier: MIT
import { describe, expect, it, vi } from "vitest";
import { CloseCode } from "../../src/net/close_code";
import { HEAD_START_MS, race } from "../../src/net/race";
import type { Transport, TransportOffer } from "../../src/net/transport";

const OFFERS: TransportOffer[] = ["webtransport", "websocket"].map((kind) => ({
  kind,
  url: `${kind}://h`,
  certificateHashes: [],
}));

interface Attempt {
  kind: string;
  atMs: number;
  signal: AbortSignal;
  transport: Transport & { close: ReturnType<typeof vi.fn> };
  succeed(): void;
  fail(): void;
}

/** A clock that moves when it is told, and attempts that end when told. */
function setUp(offers = OFFERS) {
  const clock = { now: 0 };
  const sleepers: { untilMs: number; wake: () => void }[] = [];
  const attempts: Attempt[] = [];
  const stop = new AbortController();
  const open = (offer: TransportOffer, signal: AbortSignal) =>
    new Promise<Transport>((resolve, reject) => {
      const transport = { kind: offer.kind, close: vi.fn() } as unknown as Attempt["transport"];
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      attempts.push({
        kind: offer.kind,
        atMs: clock.now,
        signal,
        transport,
        succeed: () => resolve(transport),
        fail: () => reject(new Error("no way")),
      });
    });
  const sleep = (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve());
      sleepers.push({ untilMs: clock.now + ms, wake: resolve });
    });
  const result = race(offers, open, sleep, stop.signal);
  result.catch(() => {});
  return {
    result,
    attempts,
    stop,
    async pass(ms: number) {
      await settle();
      clock.now += ms;
      for (const sleeper of sleepers) if (sleeper.untilMs <= clock.now) sleeper.wake();
      await settle();
    },
  };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

describe("the race of transports", () => {
  it("gives the best one a head start and opens no other if that suffices", async () => {
    const t = setUp();
    await t.pass(HEAD_START_MS - 1);
    expect(t.attempts.map(({ kind }) => kind)).toEqual(["webtransport"]);
    t.attempts[0]!.succeed();
    expect((await t.result).kind).toBe("webtransport");
    await t.pass(HEAD_START_MS);
    expect(t.attempts).toHaveLength(1);
  });

  it("takes whichever is up first after the head start, and gives up the other", async () => {
    const t = setUp();
    await t.pass(HEAD_START_MS);
    expect(t.attempts[1]).toMatchObject({ kind: "websocket", atMs: HEAD_START_MS });
    t.attempts[1]!.succeed();
    expect((await t.result).kind).toBe("websocket");
    expect(t.attempts[0]!.signal.aborted).toBe(true);
  });

  it("lets the better one win although the other has started", async () => {
    const t = setUp();
    await t.pass(HEAD_START_MS);
    t.attempts[0]!.succeed();
    expect((await t.result).kind).toBe("webtransport");
    expect(t.attempts[1]!.signal.aborted).toBe(true);
  });

  it("closes what comes up too late with superseded", async () => {
    const t = setUp();
    await t.pass(HEAD_START_MS);
    t.attempts[1]!.succeed();
    t.attempts[0]!.succeed();
    await t.result;
    await settle();
    expect(t.attempts[0]!.transport.close).toHaveBeenCalledWith(
      CloseCode.superseded,
      expect.any(String),
    );
    expect(t.attempts[1]!.transport.close).not.toHaveBeenCalled();
  });

  it("does not wait for the head start of one that has failed", async () => {
    const t = setUp();
    await t.pass(0);
    t.attempts[0]!.fail();
    await settle();
    expect(t.attempts[1]).toMatchObject({ kind: "websocket", atMs: 0 });
  });

  it("fails when all have failed, and at once without any", async () => {
    const t = setUp();
    await t.pass(HEAD_START_MS);
    t.attempts[0]!.fail();
    t.attempts[1]!.fail();
    await expect(t.result).rejects.toThrow();
    await expect(setUp([]).result).rejects.toThrow();
  });

  it("ends when the person leaves", async () => {
    const t = setUp();
    await t.pass(0);
    t.stop.abort();
    await expect(t.result).rejects.toThrow();
    await t.pass(HEAD_START_MS);
    expect(t.attempts).toHaveLength(1);
  });
});
