// SPDX-License-Identifier: MIT
// Whose network is weak, judged by what had to be made up of their sound.
import type { PeerFacts } from "../media/messages";

/** More made-up sound than this within the window is a sign. */
const MADE_UP_MS = 200;
/** Facts come twice a second. */
const WINDOW = 8;

export class WeakSigns {
  private readonly history = new Map<number, number[]>();

  /** Gives the session ids of those whose sound suffers now. */
  update(peers: PeerFacts[]): Set<number> {
    const weak = new Set<number>();
    for (const { sessionId, audio } of peers) {
      const madeUp = audio?.playout?.concealedMs ?? 0;
      const history = this.history.get(sessionId) ?? [];
      history.push(madeUp);
      if (history.length > WINDOW) history.shift();
      this.history.set(sessionId, history);
      if (madeUp - history[0]! > MADE_UP_MS) weak.add(sessionId);
    }
    return weak;
  }
}
