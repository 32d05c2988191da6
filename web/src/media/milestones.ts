// SPDX-License-Identifier: MIT
// How long each step takes from the click on "Join" to the first picture, so
// that a slow start can be told apart: the server, the way, or this machine.

/** In the order in which they are usually passed. */
export const MILESTONES = [
  /** The person asked to join (window). */
  "clicked",
  /** The answer to the HTTP join is here. */
  "joined",
  /** The transport is open. */
  "connected",
  /** SESSION_ASSIGNED. */
  "assigned",
  /** The first packet of anybody's picture. */
  "received",
  "decoded",
  /** On its canvas; the screen shows it with its next frame. */
  "drawn",
] as const;

export type Milestone = (typeof MILESTONES)[number];

/** ms of the wall clock, as steady as performance.now() in every thread. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Tells of each milestone the first time that it is passed. */
export class Milestones {
  private readonly passed = new Set<Milestone>();

  constructor(private readonly tell: (name: Milestone, atMs: number) => void) {}

  pass(name: Milestone): void {
    if (this.passed.has(name)) return;
    this.passed.add(name);
    this.tell(name, wallMs());
  }
}
