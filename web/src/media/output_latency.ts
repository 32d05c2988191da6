// SPDX-License-Identifier: MIT

/** A usual sound server's way to the ear, where it cannot be asked. */
const GUESS_MS = 40;

/**
 * From the audio graph to the ear, in ms.
 *
 * Firefox is not asked: its outputLatency holds the lock of the audio graph
 * while it waits for the sound server, which (PulseAudio) waits for a callback,
 * which waits for the graph. The page then stands still for good; seen in 153.
 */
export function outputLatencyMs(
  context: Pick<AudioContext, "baseLatency" | "outputLatency">,
  userAgent: string,
): number {
  if (/Firefox\//.test(userAgent)) return GUESS_MS;
  return ((context.outputLatency || 0) + (context.baseLatency || 0)) * 1_000;
}
