// SPDX-License-Identifier: MIT
// What this browser remembers between calls. Nothing of it leaves the machine.

export type Theme = "system" | "light" | "dark";

export interface Preferences {
  name: string;
  theme: Theme;
  microphoneId: string;
  cameraId: string;
  speakerId: string;
  microphoneOn: boolean;
  cameraOn: boolean;
}

const KEY = "videocall";
const DEFAULTS: Preferences = {
  name: "",
  theme: "system",
  microphoneId: "",
  cameraId: "",
  speakerId: "",
  microphoneOn: true,
  cameraOn: true,
};

export function loadPreferences(): Preferences {
  try {
    const saved = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, unknown>;
    const valid = Object.entries(DEFAULTS).map(([key, value]) =>
      typeof saved[key] === typeof value ? [key, saved[key]] : [key, value],
    );
    return Object.fromEntries(valid) as Preferences;
  } catch {
    // Storage may be forbidden; then nothing is remembered.
    return DEFAULTS;
  }
}

export function savePreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // As above.
  }
}
