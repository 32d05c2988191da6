// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { avatarColour, initials } from "../../src/ui/avatar";

/** WCAG 2 contrast of white on hsl(h s% l%). */
function whiteOn(colour: string): number {
  const [h, s, l] = colour.match(/[\d.]+/g)!.map(Number) as [number, number, number];
  const a = (s / 100) * Math.min(l / 100, 1 - l / 100);
  const channel = (n: number) => {
    const k = (n + h / 30) % 12;
    const value = l / 100 - a * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * channel(0) + 0.7152 * channel(8) + 0.0722 * channel(4);
  return 1.05 / (luminance + 0.05);
}

describe("avatars", () => {
  it("have a contrast of 4.5 at every hue", () => {
    const [, saturation, lightness] = avatarColour("x").match(/[\d.]+/g)!;
    for (let hue = 0; hue < 360; hue++) {
      expect(whiteOn(`hsl(${hue} ${saturation}% ${lightness}%)`)).toBeGreaterThanOrEqual(4.5);
    }
  });

  it("are the same for the same person, and differ between people", () => {
    expect(avatarColour("ada")).toBe(avatarColour("ada"));
    const colours = new Set(["ada", "bob", "eve", "joe", "kim"].map(avatarColour));
    expect(colours.size).toBeGreaterThan(3);
  });

  it.each([
    ["Ada Lovelace", "AL"],
    ["ada", "A"],
    ["  Ada  King  Lovelace ", "AL"],
    ["José Ñandú", "JÑ"],
    ["李雷", "李"],
    ["👩‍🚀 Ada", "👩A"],
    ["", "?"],
  ])("turns %j into %j", (name, letters) => {
    expect(initials(name)).toBe(letters);
  });
});
