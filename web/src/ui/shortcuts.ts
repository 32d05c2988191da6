// SPDX-License-Identifier: MIT
// Keys that work during a call, wherever the focus is but in a text field.
import { useEffect } from "preact/hooks";
import {
  leaveCall,
  store,
  toggleCamera,
  toggleHand,
  toggleMicrophone,
  togglePanel,
  toggleScreen,
} from "../state/actions";

export type ControlName =
  | "microphone"
  | "camera"
  | "screen"
  | "react"
  | "chat"
  | "people"
  | "more"
  | "hand"
  | "leave";

/** What is shown beside each control. */
export const KEYS: Partial<Record<ControlName, string>> = {
  microphone: "M",
  camera: "V",
  screen: "S",
  chat: "C",
  people: "P",
  hand: "H",
  leave: "Shift+L",
};

const ACTIONS: Record<string, () => void> = {
  m: toggleMicrophone,
  v: toggleCamera,
  s: () => void toggleScreen(),
  c: () => togglePanel("chat"),
  p: () => togglePanel("people"),
  h: toggleHand,
  "shift+l": leaveCall,
};

export function useShortcuts(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (event.key === "Escape" && store.get().panel !== "none") {
        togglePanel(store.get().panel);
        return;
      }
      if (isTyping(event.target)) return;
      const key = (event.shiftKey ? "shift+" : "") + event.key.toLowerCase();
      const action = ACTIONS[key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input, textarea, select"))
  );
}
