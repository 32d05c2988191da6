// SPDX-License-Identifier: MIT
// One's own picture: small, in a corner, draggable, mirrored.
import { useRef, useState } from "preact/hooks";
import { t } from "../strings";
import { Avatar } from "./avatar";
import { Icon } from "./icons";
import "./self_view.css";
import { SelfVideo } from "./self_video";
import { useApp } from "./use_store";

const KEY_STEP = 24;
const KEYS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface Offset {
  x: number;
  y: number;
}

export function SelfView() {
  const camera = useApp((state) => state.camera.track);
  const preferences = useApp((state) => state.preferences);
  const microphone = useApp((state) => state.microphone.track);
  const speaking = useApp((state) => state.speaking.has(0));
  const [offset, setOffset] = useState<Offset>({ x: 0, y: 0 });
  const box = useRef<HTMLDivElement>(null);
  const grip = useRef<Offset | null>(null);
  const muted = !microphone || !preferences.microphoneOn;

  /** Keeps the picture inside the area that it floats on. */
  function move(x: number, y: number) {
    const view = box.current!;
    const area = view.parentElement!.getBoundingClientRect();
    const rect = view.getBoundingClientRect();
    const home = { left: rect.left - offset.x, top: rect.top - offset.y };
    setOffset({
      x: Math.min(area.right - rect.width - home.left, Math.max(area.left - home.left, x)),
      y: Math.min(area.bottom - rect.height - home.top, Math.max(area.top - home.top, y)),
    });
  }

  return (
    <div
      ref={box}
      class={speaking && !muted ? "self-view speaking" : "self-view"}
      style={{ transform: `translate(${offset.x}px, ${offset.y}px)` }}
      role="group"
      tabIndex={0}
      aria-label={t().call.selfView}
      onPointerDown={(event) => {
        grip.current = { x: event.clientX - offset.x, y: event.clientY - offset.y };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        const from = grip.current;
        if (from) move(event.clientX - from.x, event.clientY - from.y);
      }}
      onPointerUp={() => (grip.current = null)}
      onPointerCancel={() => (grip.current = null)}
      onKeyDown={(event) => {
        const step = KEYS[event.key];
        if (!step) return;
        event.preventDefault();
        move(offset.x + step[0] * KEY_STEP, offset.y + step[1] * KEY_STEP);
      }}
    >
      {camera ? (
        <SelfVideo track={camera} label={t().lobby.preview} mirrored />
      ) : (
        <Avatar userId={preferences.name} name={preferences.name} />
      )}
      <p class="tile-name" aria-hidden="true">
        {muted && <Icon name="mic-off" />}
        <span>{t().call.you}</span>
      </p>
    </div>
  );
}
