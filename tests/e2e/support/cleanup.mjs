// SPDX-License-Identifier: MIT
// Runs a test body with things that must be closed in any case, last first.
import { test } from 'node:test';

export function scenario(name, body) {
  test(name, { timeout: 240_000 }, async () => {
    const closers = [];
    const later = (thing, close = (t) => t.close()) => {
      closers.push(() => close(thing));
      return thing;
    };
    try {
      await body(later);
    } finally {
      for (const close of closers.reverse()) {
        try {
          await close();
        } catch (error) {
          console.error(`while closing: ${error}`);
        }
      }
    }
  });
}
