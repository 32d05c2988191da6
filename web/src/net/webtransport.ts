// SPDX-License-Identifier: MIT
// A session over WebTransport (docs/wire-protocol.md, section 2).
import type { Closed } from "./close_code";
import { FrameDecoder, frame } from "./framing";
import { StallClock } from "./stall_clock";
import type { GroupSender, PacketHandler, Transport, TransportOffer } from "./transport";

/** What any client may put into one datagram (section 1). */
const MAX_DATAGRAM_BYTES = 1_000;
/** Chromium's default of 1 loses audio whenever two packets meet. */
const OUTGOING_DATAGRAMS = 64;
const INCOMING_DATAGRAMS = 512;
/** Audio that waited longer than this is not worth sending. */
const DATAGRAM_MAX_AGE_MS = 200;
const CONNECT_TIMEOUT_MS = 10_000;
/** After a stream ended the session, how long to wait for the reason. */
const CLOSE_GRACE_MS = 1_000;

type Bytes = Uint8Array<ArrayBuffer>;
/** The API types want bytes that no other thread shares; ours never are. */
const own = (bytes: Uint8Array): Bytes => bytes as Bytes;

export async function connectWebTransport(
  offer: TransportOffer,
  query: string,
  onPacket: PacketHandler,
  signal: AbortSignal,
): Promise<Transport> {
  const session = new WebTransport(offer.url + query, {
    requireUnreliable: false,
    congestionControl: "low-latency",
    ...(offer.certificateHashes.length > 0 && {
      serverCertificateHashes: offer.certificateHashes.map((hash) => ({
        algorithm: hash.algorithm,
        value: Uint8Array.from(atob(hash.value), (c) => c.charCodeAt(0)),
      })),
    }),
  });
  session.closed.catch(() => {});
  const giveUp = () => session.close();
  const deadline = setTimeout(giveUp, CONNECT_TIMEOUT_MS);
  signal.addEventListener("abort", giveUp);
  try {
    await session.ready;
    const control = await session.createBidirectionalStream();
    return new WebTransportSession(session, control, onPacket);
  } catch (error) {
    try {
      session.close();
    } catch {
      // It never opened.
    }
    throw error;
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener("abort", giveUp);
  }
}

class WebTransportSession implements Transport {
  readonly kind = "webtransport";
  readonly maxDatagramBytes: number;
  readonly closed: Promise<Closed>;
  readonly draining?: Promise<unknown>;
  private readonly control: WritableStreamDefaultWriter<Bytes>;
  private readonly datagrams: WritableStreamDefaultWriter<Bytes>;
  private overflow: GroupSender | null = null;
  private endByControl: (closed: Closed) => void = () => {};

  constructor(
    private readonly session: WebTransport,
    control: WebTransportBidirectionalStream,
    private readonly onPacket: PacketHandler,
  ) {
    // Not in every browser.
    const { draining } = session as { draining?: Promise<unknown> };
    if (draining) this.draining = draining;
    const datagrams = session.datagrams;
    datagrams.incomingHighWaterMark = INCOMING_DATAGRAMS;
    datagrams.outgoingHighWaterMark = OUTGOING_DATAGRAMS;
    datagrams.outgoingMaxAge = DATAGRAM_MAX_AGE_MS;
    this.maxDatagramBytes = Math.min(MAX_DATAGRAM_BYTES, datagrams.maxDatagramSize);
    this.control = control.writable.getWriter();
    this.datagrams = datagramWriter(datagrams);
    this.closed = this.awaitClose();
    void this.readControl(control.readable);
    void this.readDatagrams(datagrams.readable);
    void this.readStreams(session.incomingUnidirectionalStreams);
  }

  sendControl(packet: Uint8Array): void {
    this.control.write(frame(packet)).catch(() => {});
  }

  sendDatagram(packet: Uint8Array): void {
    if (packet.length > this.maxDatagramBytes) {
      this.overflow ??= this.openOverflow();
      this.overflow.write(packet);
      return;
    }
    // A full queue means that the network is behind: what is newest is lost,
    // and its successors repeat it.
    if ((this.datagrams.desiredSize ?? 0) <= 0) return;
    this.datagrams.write(own(packet)).catch(() => {});
  }

  openGroup(): GroupSender {
    return new StreamSender(
      this.session.createBidirectionalStream().then((stream) => {
        // The server ends its side at once; a stream that nobody reads stays.
        void stream.readable.cancel().catch(() => {});
        return stream.writable;
      }),
    );
  }

  close(code: number, reason: string): void {
    try {
      this.session.close({ closeCode: code, reason });
    } catch {
      // It is closed already.
    }
    this.endByControl({ code, reason });
  }

  private openOverflow(): GroupSender {
    return new StreamSender(this.session.createUnidirectionalStream());
  }

  private async awaitClose(): Promise<Closed> {
    const byControl = new Promise<Closed>((resolve) => (this.endByControl = resolve));
    const bySession = this.session.closed.then(
      (info): Closed => ({ code: info?.closeCode ?? 0, reason: info?.reason ?? "" }),
      (error: unknown): Closed => ({ code: null, reason: String(error) }),
    );
    return Promise.race([bySession, byControl]);
  }

  private async readControl(readable: ReadableStream<Uint8Array>): Promise<void> {
    await this.readFrames(readable);
    // The end of control ends the session; the capsule with the reason may be
    // a moment behind.
    setTimeout(() => {
      this.endByControl({ code: null, reason: "the control stream ended" });
      this.close(0, "");
    }, CLOSE_GRACE_MS);
  }

  private async readStreams(
    streams: ReadableStream<ReadableStream<Uint8Array>>,
  ): Promise<void> {
    const reader = streams.getReader();
    for (;;) {
      const next = await reader.read().catch(() => null);
      if (next === null || next.done) return;
      void this.readFrames(next.value);
    }
  }

  private async readFrames(readable: ReadableStream<Uint8Array>): Promise<void> {
    const reader = readable.getReader();
    const decoder = new FrameDecoder();
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        for (const packet of decoder.push(value)) this.onPacket(packet);
      }
    } catch {
      // A reset says "superseded"; bad framing leaves nothing to read either.
      void reader.cancel().catch(() => {});
    }
  }

  private async readDatagrams(readable: ReadableStream<Uint8Array>): Promise<void> {
    const reader = readable.getReader();
    for (;;) {
      const next = await reader.read().catch(() => null);
      if (next === null || next.done) return;
      this.onPacket(next.value);
    }
  }
}

/** Newer drafts make a writable on demand, older ones have one. */
function datagramWriter(
  datagrams: WebTransportDatagramDuplexStream,
): WritableStreamDefaultWriter<Bytes> {
  const duplex = datagrams as unknown as {
    writable?: WritableStream<Bytes>;
    createWritable?: () => WritableStream<Bytes>;
  };
  const writable = duplex.writable ?? duplex.createWritable?.();
  if (!writable) throw new Error("no datagrams");
  return writable.getWriter();
}

/** One for all streams, so that any of them keeps it going. */
const clock = new StallClock(() => performance.now());

class StreamSender implements GroupSender {
  private writer: WritableStreamDefaultWriter<Bytes> | null = null;
  private waiting: Bytes[] = [];
  /** When each packet that has not left yet was written, oldest first. */
  private since: number[] = [];
  private over: "no" | "finish" | "reset" = "no";

  constructor(opening: Promise<WritableStream>) {
    opening.then(
      (writable) => this.opened(writable),
      () => (this.over = "reset"),
    );
  }

  write(packet: Uint8Array): void {
    if (this.over !== "no") return;
    this.since.push(clock.now());
    const bytes = frame(packet);
    if (this.writer) this.put(bytes);
    else this.waiting.push(bytes);
  }

  finish(): void {
    if (this.over !== "no") return;
    this.over = "finish";
    this.writer?.close().catch(() => {});
  }

  reset(): void {
    if (this.over === "reset") return;
    this.over = "reset";
    this.waiting = [];
    this.writer?.abort().catch(() => {});
  }

  backlogMs(): number {
    return this.since.length === 0 ? 0 : clock.now() - this.since[0]!;
  }

  private opened(writable: WritableStream): void {
    this.writer = writable.getWriter();
    this.writer.closed.catch(() => {});
    if (this.over === "reset") {
      this.writer.abort().catch(() => {});
      return;
    }
    for (const bytes of this.waiting) this.put(bytes);
    this.waiting = [];
    if (this.over === "finish") this.writer.close().catch(() => {});
  }

  private put(bytes: Bytes): void {
    this.writer!.write(bytes).then(
      () => this.since.shift(),
      () => {},
    );
  }
}
