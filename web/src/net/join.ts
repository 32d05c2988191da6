// SPDX-License-Identifier: MIT
// The HTTP side of joining (docs/wire-protocol.md, section 3.1).
import type { TransportOffer } from "./transport";

export interface JoinRequest {
  meetingId: string;
  displayName: string;
  /** "" for none. */
  userId: string;
}

export interface Joined {
  userId: string;
  displayName: string;
  status: string;
  isHost: boolean;
  token: string;
  e2ee: string;
  transports: TransportOffer[];
}

/** Who is in a meeting, for the lobby. */
export interface MeetingInfo {
  participants: string[];
  count: number;
}

/** The server answered, and the answer is no. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** Seconds that the server asks to wait; 0 if it does not say. */
    readonly retryAfterS: number,
  ) {
    super(message);
  }

  /** Whether the same request may be granted later. */
  get temporary(): boolean {
    return this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

interface Answer {
  success?: boolean;
  result?: Record<string, unknown>;
}

export async function join(request: JoinRequest, signal: AbortSignal): Promise<Joined> {
  const body: Record<string, string> = { display_name: request.displayName };
  if (request.userId !== "") body["user_id"] = request.userId;
  const result = await call(meetingUrl(request.meetingId) + "/join", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  return {
    userId: text(result["user_id"]),
    displayName: text(result["display_name"]),
    status: text(result["status"]),
    isHost: result["is_host"] === true,
    token: text(result["room_token"]),
    e2ee: text(result["e2ee"]),
    transports: list(result["transports"]).map(readOffer),
  };
}

export async function meetingInfo(id: string, signal: AbortSignal): Promise<MeetingInfo> {
  const result = await call(meetingUrl(id), { signal });
  const people = list(result["participants"] ?? result["members"]);
  const participants = people
    .map((person) => text(person["display_name"]))
    .filter((name) => name !== "");
  const count = result["participant_count"];
  return {
    participants,
    count: typeof count === "number" ? count : people.length,
  };
}

function meetingUrl(id: string): string {
  return `/api/v1/meetings/${encodeURIComponent(id)}`;
}

async function call(url: string, init: RequestInit): Promise<Record<string, unknown>> {
  const response = await fetch(url, { ...init, credentials: "same-origin", cache: "no-store" });
  const answer = (await response.json().catch(() => ({}))) as Answer;
  const result = answer.result ?? {};
  if (!response.ok || answer.success === false) {
    const retryAfter = Number(response.headers.get("Retry-After"));
    throw new Refused(
      response.status,
      text(result["code"]),
      text(result["message"]),
      Number.isFinite(retryAfter) ? retryAfter : 0,
    );
  }
  return result;
}

function readOffer(offer: Record<string, unknown>): TransportOffer {
  return {
    kind: text(offer["kind"]),
    url: text(offer["url"]),
    certificateHashes: list(offer["certificate_hashes"]).map((hash) => ({
      algorithm: text(hash["algorithm"]),
      value: text(hash["value"]),
    })),
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value : [];
}
