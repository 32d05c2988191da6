// SPDX-License-Identifier: MIT
// One track's groups on their way to the server (docs/wire-protocol.md,
// section 2): a stream per group, and what a sender that falls behind does.
import type { GroupSender } from "./transport";

/** How long a packet may wait before temporal layers are left out. */
const DROP_TOP_MS = 80;
const DROP_MIDDLE_MS = 160;
/** …and before the rest of the group is given up. */
const CUT_MS = 300;

export interface UplinkFrame {
  packet: Uint8Array;
  keyframe: boolean;
  temporalId: number;
}

export class GroupUplink {
  private group: GroupSender | null = null;
  /** Highest temporal layer that this group still carries. */
  private highest = 3;
  /** How often a group was cut, and frames left out. */
  cuts = 0;
  dropped = 0;

  constructor(
    private readonly open: () => GroupSender | null,
    /** The group was cut: only a key frame helps. */
    private readonly needKeyframe: () => void,
  ) {}

  send(frame: UplinkFrame): void {
    if (frame.keyframe) this.begin();
    if (!this.group) {
      this.dropped++;
      return;
    }
    const backlog = this.group.backlogMs();
    if (backlog > CUT_MS && !frame.keyframe) {
      this.cut();
      return;
    }
    if (backlog > DROP_MIDDLE_MS) this.highest = 0;
    else if (backlog > DROP_TOP_MS) this.highest = Math.min(this.highest, 1);
    if (frame.temporalId > this.highest) {
      this.dropped++;
      return;
    }
    this.group.write(frame.packet);
  }

  /** Milliseconds that the oldest packet has waited. */
  get backlogMs(): number {
    return this.group?.backlogMs() ?? 0;
  }

  /** Nothing follows: the track stopped or its transport is gone. */
  end(): void {
    this.group?.finish();
    this.group = null;
  }

  private begin(): void {
    // What still waits of a group that has a successor is superseded.
    if (this.backlogMs > CUT_MS) this.group?.reset();
    else this.group?.finish();
    this.highest = 3;
    this.group = this.open();
  }

  private cut(): void {
    this.group?.reset();
    this.group = null;
    this.cuts++;
    this.dropped++;
    this.needKeyframe();
  }
}
