// SPDX-License-Identifier: MIT
// The people in the call: a grid, or one picture on the stage and a strip.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Member, PictureKind, TileOnScreen } from "../media/messages";
import { bridge } from "../state/actions";
import { pictureKey } from "../state/app";
import { t } from "../strings";
import "./grid.css";
import { gridBoxes, pageCount, pageOf, stageBoxes, type Box } from "./grid_layout";
import { Icon } from "./icons";
import { Tile } from "./tile";
import { useSize, type Size } from "./use_size";
import { useApp } from "./use_store";

/** Room for turning pages below the tiles. */
const PAGES_HEIGHT = 52;
/** A page that is hidden for so long gets no pictures. */
const HIDDEN_MS = 10_000;

interface Placed {
  member: Member;
  kind: PictureKind;
  box: Box;
  staged: boolean;
}

export function Grid() {
  const area = useRef<HTMLElement>(null);
  const size = useSize(area);
  const [page, setPage] = useState(0);
  const members = useApp((state) => state.members);
  const speaking = useApp((state) => state.speaking);
  const flowing = useApp((state) => state.flowing);
  const lastSpokeMs = useApp((state) => state.lastSpokeMs);
  const pinned = useApp((state) => state.pinned);
  const weak = useApp((state) => state.weak);
  const people = members.filter((member) => !member.isObserver);
  const pages = pageCount(people.length);
  const shownPage = Math.min(page, pages - 1);
  const ids = pageOf(people.map((one) => one.sessionId), shownPage, lastSpokeMs);
  const height = pages > 1 ? size.height - PAGES_HEIGHT : size.height;
  const placed = place(people, ids, pinned, { width: size.width, height });
  useViewport(placed, pinned);
  return (
    <section
      class={placed[0]?.staged ? "grid-area staged" : "grid-area"}
      ref={area} aria-label={t().call.grid}
    >
      <ul class="grid">
        {placed.map(({ member, kind, box }) => (
          <Tile
            key={pictureKey(member.sessionId, kind)}
            sessionId={member.sessionId}
            kind={kind}
            userId={member.userId}
            name={member.displayName}
            on={kind === "screen" ? member.screen : member.video}
            muted={!member.audio}
            handRaised={member.handRaised}
            speaking={speaking.has(member.sessionId) && kind === "video"}
            flowing={flowing.has(pictureKey(member.sessionId, kind))}
            weak={weak.has(member.sessionId) && kind === "video"}
            pinned={pinned === member.sessionId}
            box={box}
          />
        ))}
      </ul>
      {pages > 1 && <Pages page={shownPage} pages={pages} onPage={setPage} />}
    </section>
  );
}

function place(people: Member[], ids: number[], pinned: number, size: Size): Placed[] {
  const byId = new Map(people.map((member) => [member.sessionId, member]));
  const shown = ids.flatMap((id) => byId.get(id) ?? []);
  const staged = byId.get(pinned) ?? people.find((member) => member.screen);
  const { width, height } = size;
  if (!staged) {
    const boxes = gridBoxes(shown.length, width, height);
    return boxes.map((box, i) => ({
      member: shown[i]!,
      kind: "video",
      box,
      staged: false,
    }));
  }
  const kind = staged.screen ? "screen" : "video";
  // Whoever shares a screen is still a person in the strip.
  const others = shown.filter((member) => kind === "screen" || member !== staged);
  const { stage, strip } = stageBoxes(others.length, width, height);
  return [
    { member: staged, kind, box: stage, staged: true },
    ...strip.map(
      (box, i): Placed => ({ member: others[i]!, kind: "video", box, staged: false }),
    ),
  ];
}

/** Tells the server what is on screen, and how large. */
function useViewport(placed: Placed[], pinned: number): void {
  const hidden = useHiddenForLong();
  const scale = devicePixelRatio;
  const tiles: TileOnScreen[] = hidden
    ? []
    : placed.map(({ member, kind, box, staged }) => ({
        sessionId: member.sessionId,
        kind,
        heightPx: Math.round(box.height * scale),
        pinned: staged && member.sessionId === pinned,
      }));
  const key = JSON.stringify(tiles);
  useEffect(() => bridge.viewport(tiles), [key]);
}

function useHiddenForLong(): boolean {
  const [hidden, setHidden] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const changed = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => setHidden(true), HIDDEN_MS);
      else setHidden(false);
    };
    document.addEventListener("visibilitychange", changed);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", changed);
    };
  }, []);
  return hidden;
}

interface PagesProps {
  page: number;
  pages: number;
  onPage: (page: number) => void;
}

function Pages({ page, pages, onPage }: PagesProps) {
  const words = t().call;
  return (
    <nav class="pages">
      <button
        type="button"
        class="round"
        disabled={page === 0}
        aria-label={words.previousPage}
        onClick={() => onPage(page - 1)}
      >
        <Icon name="previous" />
      </button>
      <span class="small">{words.page(page + 1, pages)}</span>
      <button
        type="button"
        class="round"
        disabled={page === pages - 1}
        aria-label={words.nextPage}
        onClick={() => onPage(page + 1)}
      >
        <Icon name="next" />
      </button>
    </nav>
  );
}
