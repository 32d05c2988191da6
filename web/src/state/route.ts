// SPDX-License-Identifier: MIT
// Addresses of the page: /, /meeting/{meeting}, /meeting/{user}/{meeting}.

export interface Route {
  /** "": none, this is the start page. */
  meetingId: string;
  /** The claimed user id; "" for none. */
  userId: string;
}

const MEETING_ID = /^[A-Za-z0-9_-]{1,255}$/;
const MAX_USER_ID_BYTES = 64;
const ALPHABET = "abcdefghijkmnpqrstuvwxyz";
const GROUPS = [3, 4, 3];

export function parseRoute(path: string): Route {
  const [first, ...rest] = path.split("/").filter((part) => part !== "").map(decode);
  const meetingId = rest.at(-1) ?? "";
  const userId = rest.length === 2 ? rest[0]! : "";
  const isMeeting = first === "meeting" && rest.length >= 1 && rest.length <= 2;
  if (!isMeeting || !isMeetingId(meetingId) || !isUserId(userId)) {
    return { meetingId: "", userId: "" };
  }
  return { meetingId, userId };
}

/** ?transport=websocket: for networks and tests that want no other. */
export function forcedTransport(search: string): string {
  return new URLSearchParams(search).get("transport") ?? "";
}

export function meetingPath(meetingId: string): string {
  return `/meeting/${encodeURIComponent(meetingId)}`;
}

export function isMeetingId(id: string): boolean {
  return MEETING_ID.test(id);
}

/** What somebody typed or pasted: an id, or a link to a meeting; "" if neither. */
export function meetingIdFrom(input: string): string {
  const text = input.trim();
  if (isMeetingId(text)) return text;
  try {
    return parseRoute(new URL(text).pathname).meetingId;
  } catch {
    const spaced = text.replace(/\s+/g, "-");
    return isMeetingId(spaced) ? spaced : "";
  }
}

/** Ten letters that can be read out: 46 bits, too many to guess. */
export function newMeetingId(): string {
  const random = crypto.getRandomValues(new Uint32Array(10));
  const letters = [...random].map((n) => ALPHABET[n % ALPHABET.length]);
  return GROUPS.map((length) => letters.splice(0, length).join("")).join("-");
}

function isUserId(id: string): boolean {
  return new TextEncoder().encode(id).length <= MAX_USER_ID_BYTES;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
