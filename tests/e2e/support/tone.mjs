// SPDX-License-Identifier: MIT
// The frequency of a pure tone in 16-bit mono samples, by its zero crossings
// over the middle of the recording (the ends may be silent).
export function loudestTone(bytes, rate) {
  const count = bytes.length >> 1;
  const from = count >> 2;
  const to = from + (count >> 1);
  let crossings = 0;
  let first = -1;
  let last = -1;
  let before = bytes.readInt16LE(2 * from);
  for (let i = from + 1; i < to; i++) {
    const now = bytes.readInt16LE(2 * i);
    if (before < 0 && now >= 0) {
      if (first < 0) first = i;
      else crossings++;
      last = i;
    }
    before = now;
  }
  return crossings === 0 ? 0 : (crossings * rate) / (last - first);
}
