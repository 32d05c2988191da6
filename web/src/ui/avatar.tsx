// SPDX-License-Identifier: MIT
// Initials on a colour of one's own, where there is no picture.

/** White text on hsl(hue, 45%, 32%) has more than 4.5:1 for every hue. */
const SATURATION = 45;
const LIGHTNESS = 32;

export function avatarHue(userId: string): number {
  let hash = 2_166_136_261;
  for (const byte of new TextEncoder().encode(userId)) {
    hash = Math.imul(hash ^ byte, 16_777_619) >>> 0;
  }
  return hash % 360;
}

export function avatarColour(userId: string): string {
  return `hsl(${avatarHue(userId)} ${SATURATION}% ${LIGHTNESS}%)`;
}

/** Up to two letters: of the first and the last word. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter((word) => word !== "");
  const letters = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return letters.map((word) => [...word][0]!.toUpperCase()).join("") || "?";
}

export function Avatar({ userId, name }: { userId: string; name: string }) {
  return (
    <div class="avatar" style={{ background: avatarColour(userId) }} aria-hidden="true">
      <span>{initials(name)}</span>
    </div>
  );
}
