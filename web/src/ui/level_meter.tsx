// SPDX-License-Identifier: MIT
import { useEffect, useRef } from "preact/hooks";
import { bridge } from "../state/actions";
import { t } from "../strings";
import "./level_meter.css";

/** Shown from here (quiet room) to 0 dB. */
const FLOOR_DB = 60;

/** How loud one's own microphone is; proves that it works. */
export function LevelMeter() {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let shown = 0;
    return bridge.onLoudness((levels) => {
      const level = Math.max(0, 1 - (levels.get(0) ?? 127) / FLOOR_DB);
      // Up at once, down slowly, as meters do.
      shown = Math.max(level, shown * 0.9);
      bar.current!.style.transform = `scaleX(${shown.toFixed(3)})`;
      bar.current!.parentElement!.setAttribute("aria-valuenow", String(Math.round(level * 100)));
    });
  }, []);
  return (
    <div
      class="level-meter"
      role="meter"
      aria-label={t().lobby.level}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
    >
      <div ref={bar} />
    </div>
  );
}
