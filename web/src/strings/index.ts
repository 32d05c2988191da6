// SPDX-License-Identifier: MIT
// Picks the language of the page. To add one: write a file like en.ts whose
// default shape is Strings, and list it here.
import { en, type Strings } from "./en";

const LANGUAGES: Record<string, Strings> = { en };
const FALLBACK = "en";

let language = FALLBACK;

/** The words in the chosen language. */
export function t(): Strings {
  return LANGUAGES[language]!;
}

/** The first of the person's languages that there is. */
export function pickLanguage(wanted: readonly string[]): string {
  for (const tag of wanted) {
    const base = tag.toLowerCase().split("-")[0]!;
    if (base in LANGUAGES) return base;
  }
  return FALLBACK;
}

/** Sets language and writing direction of the document. */
export function applyLanguage(): void {
  language = pickLanguage(navigator.languages);
  document.documentElement.lang = language;
  document.documentElement.dir = t().direction;
}
