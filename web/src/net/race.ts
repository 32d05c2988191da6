// SPDX-License-Identifier: MIT
// Which transport a session gets: the best one has a head start, then
// whichever is up first (docs/wire-protocol.md, section 3.2). Nothing is
// remembered: the next connection begins with the best one again.
import { CloseCode } from "./close_code";
import type { Transport, TransportOffer } from "./transport";

/** Where UDP does not pass, nothing tells; so nobody waits to be told. */
export const HEAD_START_MS = 250;

export type Open = (offer: TransportOffer, signal: AbortSignal) => Promise<Transport>;

/**
 * Opens `offers`, best first; each of the others starts once the head start is
 * over or those before it have failed. Resolves to the first that is up, and
 * closes what comes up after it; rejects when none does, or when `signal` fires.
 */
export async function race(
  offers: TransportOffer[],
  open: Open,
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<Transport> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  let won = false;
  let before: Promise<unknown> = Promise.resolve();
  const attempts = offers.map((offer, index) => {
    const failed = before;
    const attempt = (async () => {
      if (index > 0) await Promise.race([sleep(index * HEAD_START_MS, either), failed]);
      if (either.aborted) throw new Error("too late");
      const transport = await open(offer, either);
      if (won || signal.aborted) {
        transport.close(CloseCode.superseded, "the other transport was faster");
        throw new Error("too late");
      }
      won = true;
      return transport;
    })();
    // Settles when this one and those before it have failed, else never.
    before = Promise.all([failed, new Promise<void>((resolve) => attempt.catch(() => resolve()))]);
    return attempt;
  });
  try {
    return await Promise.any(attempts);
  } finally {
    over.abort();
  }
}
