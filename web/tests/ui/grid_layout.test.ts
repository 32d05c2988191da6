// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import {
  GAP,
  gridBoxes,
  pageCount,
  pageOf,
  stageBoxes,
  type Box,
} from "../../src/ui/grid_layout";

const SCREENS: [number, number][] = [
  [1440, 760],
  [1280, 600],
  [366, 650],
  [296, 420],
  [900, 300],
];

function expectInside(boxes: Box[], width: number, height: number) {
  for (const box of boxes) {
    expect(box.x).toBeGreaterThanOrEqual(-0.01);
    expect(box.y).toBeGreaterThanOrEqual(-0.01);
    expect(box.x + box.width).toBeLessThanOrEqual(width + 0.01);
    expect(box.y + box.height).toBeLessThanOrEqual(height + 0.01);
  }
}

function overlap(a: Box, b: Box): boolean {
  return (
    a.x < b.x + b.width - 0.01 &&
    b.x < a.x + a.width - 0.01 &&
    a.y < b.y + b.height - 0.01 &&
    b.y < a.y + a.height - 0.01
  );
}

describe("gridBoxes", () => {
  it.each(SCREENS)("fills %i×%i with any number of tiles", (width, height) => {
    for (let count = 1; count <= 25; count++) {
      const boxes = gridBoxes(count, width, height);
      expect(boxes.length).toBe(count);
      expectInside(boxes, width, height);
      for (const box of boxes) expect(box.width / box.height).toBeCloseTo(16 / 9, 5);
      for (let i = 1; i < count; i++) expect(overlap(boxes[i - 1]!, boxes[i]!)).toBe(false);
    }
  });

  it("chooses the columns that make tiles largest", () => {
    for (const [width, height] of SCREENS) {
      for (let count = 1; count <= 25; count++) {
        const chosen = gridBoxes(count, width, height)[0]!.width;
        for (let columns = 1; columns <= count; columns++) {
          const rows = Math.ceil(count / columns);
          const other = Math.min(
            (width - (columns - 1) * GAP) / columns,
            ((height - (rows - 1) * GAP) / rows) * (16 / 9),
          );
          expect(chosen).toBeGreaterThanOrEqual(other - 0.001);
        }
      }
    }
  });

  it("centres the last row", () => {
    const boxes = gridBoxes(5, 1440, 760);
    const last = boxes.slice(3);
    const left = last[0]!.x;
    const right = 1440 - (last[1]!.x + last[1]!.width);
    expect(left).toBeCloseTo(right, 5);
  });

  it("has nothing to place without room or people", () => {
    expect(gridBoxes(0, 100, 100)).toEqual([]);
    expect(gridBoxes(3, 0, 0)).toEqual([]);
  });
});

describe("stageBoxes", () => {
  it.each(SCREENS)("puts a stage and a strip into %i×%i", (width, height) => {
    for (const count of [0, 1, 4, 30]) {
      const { stage, strip } = stageBoxes(count, width, height);
      expectInside([stage], width, height);
      expect(stage.width * stage.height).toBeGreaterThan(width * height * 0.5);
      expect(strip.some((box) => overlap(box, stage))).toBe(false);
      expect(strip.length).toBeLessThanOrEqual(count);
    }
  });
});

describe("pages", () => {
  const ids = Array.from({ length: 60 }, (_, i) => i + 1);

  it("are needed above 25 tiles only", () => {
    expect(pageCount(25)).toBe(1);
    expect(pageCount(26)).toBe(2);
    expect(pageOf(ids.slice(0, 25), 0, new Map())).toEqual(ids.slice(0, 25));
  });

  it("keep those who spoke on the first, and everybody on exactly one", () => {
    const spoke = new Map([
      [60, 5],
      [41, 9],
    ]);
    const first = pageOf(ids, 0, spoke);
    expect(first).toContain(60);
    expect(first).toContain(41);
    expect(first).toEqual([...first].sort((a, b) => a - b));
    const all = [0, 1, 2].flatMap((page) => pageOf(ids, page, spoke));
    expect([...all].sort((a, b) => a - b)).toEqual(ids);
  });
});
