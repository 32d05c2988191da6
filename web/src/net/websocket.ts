// SPDX-License-Identifier: MIT
// A session over WebSocket (docs/wire-protocol.md, section 2): one binary
// message is one packet. The browser queues without bound what is handed to it,
// so packets wait here, the most urgent first, until what is before them is on
// its way.
import { PacketType, parsePacket } from "./packets";
import type { Closed } from "./close_code";
import { StallClock } from "./stall_clock";
import type { GroupSender, PacketHandler, Transport, TransportOffer } from "./transport";

const CLOSE_CODE_BASE = 4_000;
const NORMAL = 1_000;
const MAX_REASON_BYTES = 123;
/** As over WebTransport: nobody repeats more sound than this in a packet. */
const MAX_DATAGRAM_BYTES = 1_000;
/** What the browser may hold that is not on its way. */
const MAX_BUFFERED_BYTES = 16 * 1024;
/** The browser does not tell when that is less again. */
const LOOK_AGAIN_MS = 5;
/** Sound that waited longer than this is not worth sending. */
const DATAGRAM_MAX_AGE_MS = 200;
const CONNECT_TIMEOUT_MS = 10_000;

type Bytes = Uint8Array<ArrayBuffer>;

/** One for all connections, so that any of them keeps it going. */
const clock = new StallClock(() => performance.now());

export function connectWebSocket(
  offer: TransportOffer,
  query: string,
  onPacket: PacketHandler,
  signal: AbortSignal,
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(offer.url + query);
    socket.binaryType = "arraybuffer";
    const giveUp = () => {
      reject(new Error("no WebSocket"));
      socket.close();
    };
    const deadline = setTimeout(giveUp, CONNECT_TIMEOUT_MS);
    const settled = () => {
      clearTimeout(deadline);
      signal.removeEventListener("abort", giveUp);
    };
    signal.addEventListener("abort", giveUp);
    socket.onclose = () => {
      settled();
      giveUp();
    };
    socket.onopen = () => {
      settled();
      resolve(new WebSocketSession(socket, onPacket));
    };
  });
}

interface Waiting {
  packet: Uint8Array;
  since: number;
}

export class WebSocketSession implements Transport {
  readonly kind = "websocket";
  readonly maxDatagramBytes = MAX_DATAGRAM_BYTES;
  readonly closed: Promise<Closed>;
  private readonly control: Uint8Array[] = [];
  private readonly datagrams: Waiting[] = [];
  /** Groups with something to send, the oldest first. */
  private readonly groups = new Set<MessageGroup>();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private end: (closed: Closed) => void = () => {};

  constructor(
    private readonly socket: WebSocket,
    onPacket: PacketHandler,
  ) {
    this.closed = new Promise((resolve) => (this.end = resolve));
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) onPacket(new Uint8Array(data));
    };
    socket.onclose = ({ code, reason }) => this.end({ code: contractCode(code), reason });
  }

  sendControl(packet: Uint8Array): void {
    this.control.push(packet);
    this.pump();
  }

  sendDatagram(packet: Uint8Array): void {
    this.datagrams.push({ packet, since: clock.now() });
    this.pump();
  }

  openGroup(): GroupSender {
    return new MessageGroup((group) => {
      if (group.waiting.length > 0) this.groups.add(group);
      else this.groups.delete(group);
      this.pump();
    });
  }

  close(code: number, reason: string): void {
    this.socket.close(CLOSE_CODE_BASE + code, fitting(reason));
    this.end({ code, reason });
  }

  private pump(): void {
    while (this.socket.readyState === WebSocket.OPEN) {
      if (this.socket.bufferedAmount >= MAX_BUFFERED_BYTES) {
        this.timer ??= setTimeout(() => {
          this.timer = null;
          this.pump();
        }, LOOK_AGAIN_MS);
        return;
      }
      const packet = this.next();
      if (!packet) return;
      this.socket.send(packet as Bytes);
    }
  }

  private next(): Uint8Array | null {
    const control = this.control.shift();
    if (control) return control;
    const oldest = clock.now() - DATAGRAM_MAX_AGE_MS;
    while (this.datagrams.length > 0) {
      const { packet, since } = this.datagrams.shift()!;
      // An answer that is late is an answer; late sound is none.
      if (since >= oldest || isProbe(packet)) return packet;
    }
    const group = mostUrgent(this.groups);
    if (!group) return null;
    const packet = group.take();
    if (group.waiting.length === 0) this.groups.delete(group);
    return packet;
  }
}

/** Groups that have not begun (their key frame waits) go first. */
function mostUrgent(groups: Set<MessageGroup>): MessageGroup | null {
  let best: MessageGroup | null = null;
  for (const group of groups) {
    if (!best || before(group, best)) best = group;
  }
  return best;
}

function before(a: MessageGroup, b: MessageGroup): boolean {
  if (a.begun !== b.begun) return !a.begun;
  return a.waiting[0]!.since < b.waiting[0]!.since;
}

class MessageGroup implements GroupSender {
  readonly waiting: Waiting[] = [];
  begun = false;
  private over = false;

  constructor(private readonly changed: (group: MessageGroup) => void) {}

  write(packet: Uint8Array): void {
    if (this.over) return;
    this.waiting.push({ packet, since: clock.now() });
    this.changed(this);
  }

  finish(): void {
    this.over = true;
  }

  reset(): void {
    this.over = true;
    this.waiting.length = 0;
    this.changed(this);
  }

  backlogMs(): number {
    return this.waiting.length === 0 ? 0 : clock.now() - this.waiting[0]!.since;
  }

  take(): Uint8Array {
    this.begun = true;
    return this.waiting.shift()!.packet;
  }
}

function isProbe(packet: Uint8Array): boolean {
  return parsePacket(packet).type === PacketType.RTT;
}

/** null: the connection went without a word. */
function contractCode(code: number): number | null {
  if (code === NORMAL) return 0;
  return code >= CLOSE_CODE_BASE && code < CLOSE_CODE_BASE + NORMAL
    ? code - CLOSE_CODE_BASE
    : null;
}

/** A close reason may not be longer; cut between characters. */
function fitting(reason: string): string {
  const encoder = new TextEncoder();
  let text = reason;
  while (encoder.encode(text).length > MAX_REASON_BYTES) text = text.slice(0, -1);
  return text;
}
