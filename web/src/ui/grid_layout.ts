// SPDX-License-Identifier: MIT
// Where tiles go. Pure: numbers in, rectangles out, CSS pixels.

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export const GAP = 12;
export const TILES_PER_PAGE = 25;
const ASPECT = 16 / 9;
/** The strip of people beside or below a shared screen. */
const STRIP_SHARE = 0.2;
const STRIP_MIN_HEIGHT = 72;
const STRIP_MIN_WIDTH = 128;
const STRIP_MAX_WIDTH = 240;
/** The corner below the strip that one's own picture floats in. */
const CORNER_HEIGHT = 136;

/**
 * The places of `count` tiles of 16:9 in width×height: as many columns as make
 * the tiles largest, everything centred, the last row too.
 */
export function gridBoxes(count: number, width: number, height: number): Box[] {
  if (count <= 0 || width <= 0 || height <= 0) return [];
  let best = { columns: 1, tile: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const tile = tileWidth(count, columns, width, height);
    if (tile > best.tile) best = { columns, tile };
  }
  const { columns, tile } = best;
  const tileHeight = tile / ASPECT;
  const rows = Math.ceil(count / columns);
  const top = (height - rows * tileHeight - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = (width - inRow * tile - (inRow - 1) * GAP) / 2;
    return {
      x: left + (i % columns) * (tile + GAP),
      y: top + row * (tileHeight + GAP),
      width: tile,
      height: tileHeight,
    };
  });
}

function tileWidth(count: number, columns: number, width: number, height: number): number {
  const rows = Math.ceil(count / columns);
  const byWidth = (width - (columns - 1) * GAP) / columns;
  const byHeight = ((height - (rows - 1) * GAP) / rows) * ASPECT;
  return Math.max(0, Math.min(byWidth, byHeight));
}

export interface StageLayout {
  stage: Box;
  strip: Box[];
}

/** One picture on the stage, the others in a strip: aside if wide, else below. */
export function stageBoxes(count: number, width: number, height: number): StageLayout {
  if (count === 0) return { stage: { x: 0, y: 0, width, height }, strip: [] };
  if (width >= height) {
    const stripWidth = clamp(width * STRIP_SHARE, STRIP_MIN_WIDTH, STRIP_MAX_WIDTH);
    const tileHeight = stripWidth / ASPECT;
    const free = height - CORNER_HEIGHT;
    const room = Math.max(1, Math.floor((free + GAP) / (tileHeight + GAP)));
    const shown = Math.min(count, room);
    const top = Math.max(0, (free - shown * tileHeight - (shown - 1) * GAP) / 2);
    return {
      stage: { x: 0, y: 0, width: width - stripWidth - GAP, height },
      strip: Array.from({ length: shown }, (_, i) => ({
        x: width - stripWidth,
        y: top + i * (tileHeight + GAP),
        width: stripWidth,
        height: tileHeight,
      })),
    };
  }
  const tileHeight = Math.max(STRIP_MIN_HEIGHT, height * 0.14);
  const tile = tileHeight * ASPECT;
  const room = Math.max(1, Math.floor((width + GAP) / (tile + GAP)));
  const shown = Math.min(count, room);
  const left = (width - shown * tile - (shown - 1) * GAP) / 2;
  return {
    stage: { x: 0, y: 0, width, height: height - tileHeight - GAP },
    strip: Array.from({ length: shown }, (_, i) => ({
      x: left + i * (tile + GAP),
      y: height - tileHeight,
      width: tile,
      height: tileHeight,
    })),
  };
}

/**
 * Who is on a page. The first page of several keeps those who spoke last, in
 * their usual order, so that nobody's tile wanders.
 */
export function pageOf(
  ids: number[],
  page: number,
  lastSpokeMs: ReadonlyMap<number, number>,
): number[] {
  if (ids.length <= TILES_PER_PAGE) return ids;
  const bySpeech = [...ids].sort(
    (a, b) => (lastSpokeMs.get(b) ?? -Infinity) - (lastSpokeMs.get(a) ?? -Infinity),
  );
  const first = new Set(bySpeech.slice(0, TILES_PER_PAGE));
  const ordered = [...ids.filter((id) => first.has(id)), ...ids.filter((id) => !first.has(id))];
  return ordered.slice(page * TILES_PER_PAGE, (page + 1) * TILES_PER_PAGE);
}

export function pageCount(people: number): number {
  return Math.max(1, Math.ceil(people / TILES_PER_PAGE));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
