// SPDX-License-Identifier: MIT
// Everything that a browser fetches for a call fits into 100 kB gzipped.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";

const LIMIT_BYTES = 100_000;
const dist = process.env["VIDEOCALL_WEB_DIST"] ?? fileURLToPath(new URL("../dist", import.meta.url));

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return files(path);
    return path.endsWith(".gz") ? [] : [path];
  });
}

it("weighs at most 100 kB gzipped", () => {
  const sizes = files(dist).map((path) => gzipSync(readFileSync(path)).length);
  expect(sizes.length).toBeGreaterThan(2);
  expect(sizes.reduce((a, b) => a + b)).toBeLessThanOrEqual(LIMIT_BYTES);
});
