// SPDX-License-Identifier: MIT
// Which browser this is, only to tell people where its settings are.
export type Browser = "chromium" | "firefox" | "safari" | "other";

export function browserOf(userAgent: string): Browser {
  if (/Firefox\//.test(userAgent)) return "firefox";
  if (/Chrom(e|ium)\//.test(userAgent)) return "chromium";
  if (/Safari\//.test(userAgent)) return "safari";
  return "other";
}

/** Phones have no keys to tell of. */
export function hasKeyboard(): boolean {
  return matchMedia("(hover: hover)").matches;
}
