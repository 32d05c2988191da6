// SPDX-License-Identifier: MIT
const FIRST_MS = 500;
const LONGEST_MS = 8_000;
const SPREAD = 0.3;

/**
 * How long to wait before attempt `attempt` (0 = the first after a loss, which
 * is made at once). `random` is 0…1; the spread keeps a meeting that lost its
 * server from coming back in one instant.
 */
export function backoffMs(attempt: number, random: number): number {
  if (attempt <= 0) return Math.round(random * 100);
  const base = Math.min(FIRST_MS * 2 ** (attempt - 1), LONGEST_MS);
  return Math.round(base * (1 - SPREAD + 2 * SPREAD * random));
}
