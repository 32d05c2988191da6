// SPDX-License-Identifier: MIT
// What the page and its media worker say to each other.
import type { RosterMember } from "../net/roster";
import type { Phase } from "../net/session";
import type { AudioFacts } from "./audio_receiver";
import type { Milestone } from "./milestones";
import type { PublisherStats } from "./video_publisher";
import type { VideoFacts } from "./video_receiver";

/** Tracks with a picture. */
export type PictureKind = "video" | "screen";

export type Member = RosterMember;

export interface TileOnScreen {
  sessionId: number;
  kind: PictureKind;
  /** Device pixels. */
  heightPx: number;
  pinned: boolean;
}

export type ToWorker =
  | {
      type: "start";
      meetingId: string;
      displayName: string;
      userId: string;
      client: string;
      /** The one kind of transport to use; "": any. */
      transport: string;
    }
  | { type: "leave" }
  /** The network changed, or the page woke up. */
  | { type: "poke" }
  /** A track's frames; `frames` where the browser gives a stream of them. */
  | { type: "track-on"; kind: PictureKind; frames: ReadableStream<VideoFrame> | null }
  | { type: "track-off"; kind: PictureKind }
  /** One frame, where it does not; `grabbed`: taken because of "grab". */
  | { type: "frame"; kind: PictureKind; frame: VideoFrame; grabbed: boolean }
  /** Where the microphone's worklet posts CapturedSound; null: none. */
  | { type: "microphone"; port: MessagePort | null }
  | { type: "audio-enabled"; enabled: boolean }
  | { type: "hand"; raised: boolean }
  | { type: "chat"; text: string }
  | { type: "reaction"; kind: number }
  /** What is on screen, and where to draw it. */
  | { type: "viewport"; tiles: TileOnScreen[] }
  | { type: "canvas"; sessionId: number; kind: PictureKind; canvas: OffscreenCanvas }
  /** This person's canvases are gone. */
  | { type: "forget"; sessionId: number }
  /** The port of the worklet that plays this person. */
  | { type: "playout"; sessionId: number; port: MessagePort }
  | { type: "output-latency"; ms: number }
  /** The picture on a canvas now, posted to `port`: ImageData or null. */
  | { type: "pixels"; sessionId: number; kind: PictureKind; port: MessagePort };

export interface PeerFacts {
  sessionId: number;
  video: VideoFacts | null;
  screen: VideoFacts | null;
  audio: AudioFacts | null;
}

export interface CallFacts {
  rttMs: number;
  /** Of the probes to the server lately, 0 to 1. */
  lostShare: number;
  peers: PeerFacts[];
  video: PublisherStats | null;
  screen: PublisherStats | null;
  audioPacketsSent: number;
}

export interface Loudness {
  /** 0 is oneself. */
  sessionId: number;
  /** RFC 6464: 0 loudest … 127 silence. */
  level: number;
  speaking: boolean;
}

export type FromWorker =
  | { type: "phase"; phase: Phase }
  | { type: "session"; sessionId: number }
  | { type: "members"; members: Member[]; joined: Member[]; left: Member[] }
  | { type: "participant-count"; count: number }
  | { type: "need-playout"; sessionId: number }
  | { type: "drop-playout"; sessionId: number }
  | { type: "loudness"; levels: Loudness[] }
  | { type: "facts"; facts: CallFacts }
  /** The first picture of a track is there, or it stands still (false). */
  | { type: "picture"; sessionId: number; kind: PictureKind; flowing: boolean }
  /** The frame callback stopped: take one with a timer. */
  | { type: "grab"; kind: PictureKind }
  | {
      type: "chat";
      sessionId: number;
      displayName: string;
      text: string;
      sentMs: number;
    }
  | { type: "reaction"; sessionId: number; kind: number }
  | { type: "milestone"; name: Milestone; atMs: number }
  /** The host silenced this person's track. */
  | { type: "host-muted"; kind: "audio" | "video" }
  /** A track of ours cannot be encoded. */
  | { type: "track-failed"; kind: PictureKind | "audio"; reason: string };
