// SPDX-License-Identifier: MIT
// Runs a test body with things that must be closed in any case, last first.
import { test } from 'node:test';

const CLOSE_MS = 15_000;

// |promise|, or an error after |ms|.
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took over ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export function scenario(name, body) {
  test(name, { timeout: 240_000 }, async () => {
    const closers = [];
    const later = (thing, close = (t) => t.close()) => {
      closers.push(() => close(thing));
      return thing;
    };
    try {
      await body(later);
    } catch (error) {
      console.error(error); // before the closing, which may fail as well
      throw error;
    } finally {
      for (const close of closers.reverse()) {
        try {
          await within(CLOSE_MS, 'closing', close());
        } catch (error) {
          console.error(`while closing: ${error}`);
        }
      }
    }
  });
}
