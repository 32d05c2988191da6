// SPDX-License-Identifier: MIT
// What a session needs of a connection, whatever it runs on.
import type { Closed } from "./close_code";

/** Where a server can be reached; one entry of the join answer. */
export interface TransportOffer {
  kind: string;
  url: string;
  certificateHashes: { algorithm: string; value: string }[];
}

/** One group of pictures on its way out. Nothing here throws or waits. */
export interface GroupSender {
  /** Queues a packet behind those before it. */
  write(packet: Uint8Array): void;
  /** Nothing follows. */
  finish(): void;
  /** What is not sent yet may be forgotten. */
  reset(): void;
  /**
   * How long the oldest packet has waited to leave, in ms; 0 if none waits.
   * While this thread stood still it did not wait for the network.
   */
  backlogMs(): number;
}

export interface Transport {
  readonly kind: "webtransport" | "websocket";
  /** Largest packet that sendDatagram takes, in bytes; 0 if none. */
  readonly maxDatagramBytes: number;
  /** Settles once, never rejects. */
  readonly closed: Promise<Closed>;
  /** Settles when the server asks to leave soon; missing: one never knows. */
  readonly draining?: Promise<unknown>;
  /** Reliable and in order. The first packet must be CONNECTION. */
  sendControl(packet: Uint8Array): void;
  /** May be lost. Too large a packet goes a reliable way instead. */
  sendDatagram(packet: Uint8Array): void;
  openGroup(): GroupSender;
  close(code: number, reason: string): void;
}

/** Called for each packet that arrives, whatever way it took. */
export type PacketHandler = (packet: Uint8Array) => void;

/**
 * Opens a transport; rejects if the server cannot be reached or refuses, or
 * when `signal` fires before it is up.
 */
export type Connect = (
  offer: TransportOffer,
  query: string,
  onPacket: PacketHandler,
  signal: AbortSignal,
) => Promise<Transport>;
