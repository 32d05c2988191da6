// SPDX-License-Identifier: MIT
// The state of the connection, always in words.
import { useEffect, useState } from "preact/hooks";
import type { Phase } from "../net/session";
import { t } from "../strings";
import { useApp } from "./use_store";

export function CallState() {
  const phase = useApp((state) => state.phase);
  const online = useApp((state) => state.online);
  const seconds = useSeconds(phase);
  const quiet = phase.name === "connected" && online;
  return (
    <p class={quiet ? "call-state soft" : "call-state trouble-state"} role="status">
      {stateWords(phase, online, seconds)}
    </p>
  );
}

export function stateWords(phase: Phase, online: boolean, seconds: number): string {
  const words = t().state;
  if (!online) return words.offline;
  switch (phase.name) {
    case "connecting":
      return phase.failures > 0 ? words.stillConnecting : words.connecting;
    case "connected":
      return phase.e2ee === "off" || phase.e2ee === "" ? words.notEncrypted : words.encrypted;
    case "reconnecting":
      return words.reconnecting(seconds);
    default:
      return words.joining;
  }
}

/** For how long a reconnection has been going on. */
function useSeconds(phase: Phase): number {
  const [seconds, setSeconds] = useState(0);
  const lost = phase.name === "reconnecting";
  useEffect(() => {
    setSeconds(0);
    if (!lost) return;
    const start = performance.now();
    const timer = setInterval(
      () => setSeconds(Math.round((performance.now() - start) / 1_000)),
      1_000,
    );
    return () => clearInterval(timer);
  }, [lost]);
  return seconds;
}
