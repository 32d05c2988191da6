// SPDX-License-Identifier: MIT
// Why a session ends (docs/wire-protocol.md, section 2).

export const CloseCode = {
  left: 0,
  meetingEnded: 1,
  removed: 2,
  protocolError: 3,
  overload: 4,
  draining: 5,
  superseded: 6,
  idle: 7,
} as const;

/** How a transport ended. */
export interface Closed {
  /** null: without a word, as when the network is gone. */
  code: number | null;
  reason: string;
}

/** Why a call is over for good; the page has words for each. */
export type EndCause =
  | "left"
  | "meeting-ended"
  | "removed"
  | "protocol-error"
  | "superseded";

/** null: the session is lost and comes back by itself. */
export function endCauseOf(code: number | null): EndCause | null {
  switch (code) {
    case CloseCode.meetingEnded:
      return "meeting-ended";
    case CloseCode.removed:
      return "removed";
    case CloseCode.protocolError:
      return "protocol-error";
    case CloseCode.superseded:
      return "superseded";
    default:
      return null;
  }
}

/** Whether the same session may be asked for again (section 3.8). */
export function mayResume(code: number | null): boolean {
  return code !== CloseCode.left && endCauseOf(code) === null;
}
