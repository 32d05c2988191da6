// SPDX-License-Identifier: MIT
// One person, or one shared screen.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { PictureKind } from "../media/messages";
import { bridge, togglePin } from "../state/actions";
import { t } from "../strings";
import { Avatar } from "./avatar";
import type { Box } from "./grid_layout";
import { Icon } from "./icons";
import "./tile.css";

export interface TileProps {
  sessionId: number;
  kind: PictureKind;
  userId: string;
  name: string;
  /** The person sends this picture. */
  on: boolean;
  muted: boolean;
  handRaised: boolean;
  speaking: boolean;
  /** The picture moves. */
  flowing: boolean;
  /** Much of the sound had to be made up lately. */
  weak: boolean;
  pinned: boolean;
  box: Box;
}

export function Tile(props: TileProps) {
  const { sessionId, kind, name, on, box, speaking, pinned } = props;
  const words = t().call;
  const shownName = kind === "screen" ? words.screenOf(name) : name;
  const hadPicture = useHadPicture(props);
  const pinLabel = pinned ? words.unpin : words.pin(shownName);
  return (
    <li
      class={speaking ? "tile speaking" : "tile"}
      style={place(box)}
      data-session={sessionId}
      data-kind={kind}
      aria-label={describe(props, shownName)}
    >
      {on && <Picture sessionId={sessionId} kind={kind} />}
      {!(on && hadPicture) && <Avatar userId={props.userId} name={name} />}
      {on && hadPicture && !props.flowing && <p class="tile-frozen">{words.frozen}</p>}
      <p class="tile-name" aria-hidden="true">
        {props.muted && kind === "video" && <Icon name="mic-off" />}
        <span>{shownName}</span>
        {props.handRaised && <Icon name="hand" />}
      </p>
      {props.weak && (
        <span class="tile-weak" title={words.weak} role="img" aria-label={words.weak}>
          <Icon name="weak" />
        </span>
      )}
      <button
        type="button"
        class="tile-pin"
        aria-pressed={pinned}
        aria-label={pinLabel}
        title={pinLabel}
        onClick={() => togglePin(sessionId)}
      >
        <Icon name={pinned ? "close" : "pin"} />
      </button>
    </li>
  );
}

/** The canvas that the worker draws on; it outlives the tile. */
function Picture({ sessionId, kind }: { sessionId: number; kind: PictureKind }) {
  const holder = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    holder.current!.replaceChildren(bridge.canvas(sessionId, kind));
  }, [sessionId, kind]);
  return <div ref={holder} class={`picture ${kind}`} />;
}

/** Whether a picture came since the track was turned on. */
function useHadPicture({ on, flowing }: TileProps): boolean {
  const [had, setHad] = useState(false);
  useEffect(() => {
    if (!on) setHad(false);
    else if (flowing) setHad(true);
  }, [on, flowing]);
  return had || flowing;
}

function place(box: Box) {
  return {
    width: `${box.width}px`,
    height: `${box.height}px`,
    transform: `translate(${box.x}px, ${box.y}px)`,
  };
}

function describe(props: TileProps, name: string): string {
  const words = t();
  const facts = [
    props.muted && words.call.muted,
    !props.on && words.people.camOff,
    props.handRaised && words.call.hand,
  ];
  return [name, ...facts.filter((fact) => fact !== false)].join(", ");
}
