// SPDX-License-Identifier: MIT
// Every end, refusal and state has words.
import { describe, expect, it, vi } from "vitest";

vi.mock("../../src/state/actions", () => ({}));
vi.mock("../../src/ui/use_store", () => ({ useApp: () => undefined }));

import { en } from "../../src/strings/en";
import { pickLanguage } from "../../src/strings";
import { browserOf } from "../../src/ui/browser";
import { overWords } from "../../src/ui/call_over";
import { stateWords } from "../../src/ui/call_state";

describe("the end of a call", () => {
  it.each(["meeting-ended", "removed", "protocol-error", "superseded"] as const)(
    "is explained: %s",
    (cause) => {
      const { title, detail } = overWords({ name: "ended", cause, reason: "" }, true);
      expect(title.length).toBeGreaterThan(5);
      expect(detail.length).toBeGreaterThan(10);
    },
  );

  it.each([400, 401, 403, 404, 418])("is explained: status %i", (status) => {
    const over = overWords({ name: "refused", status, code: "x", reason: "Because." }, true);
    expect(over.title).toBe(en.over.refused);
    expect(over.detail).toMatch(/\. Because\.$/);
    expect(over.detail).not.toMatch(/undefined/);
  });

  it("tells an old browser from an address that is not secure", () => {
    expect(overWords({ name: "unsupported" }, true).title).toBe(en.over.unsupported);
    expect(overWords({ name: "unsupported" }, false).title).toBe(en.over.insecure);
  });
});

describe("the state of the connection", () => {
  it("always has words", () => {
    const phases = [
      { name: "joining" },
      { name: "connecting", failures: 0 },
      { name: "connecting", failures: 2 },
      { name: "connected", transport: "webtransport", fallback: false, e2ee: "off", isHost: false },
      { name: "reconnecting", sinceMs: 0, retryAtMs: 0 },
    ] as const;
    const words = phases.map((phase) => stateWords(phase, true, 3));
    expect(new Set(words).size).toBe(phases.length);
    expect(words.every((text) => text.length > 4)).toBe(true);
    expect(words.at(-1)).toContain("3 s");
    expect(stateWords(phases[0], false, 0)).toBe(en.state.offline);
  });
});

it("explains every device trouble", () => {
  for (const device of ["microphone", "camera", "screen", "both"] as const) {
    for (const trouble of ["denied", "missing", "busy", "insecure", "failed"] as const) {
      expect(en.trouble.why(device, trouble).length).toBeGreaterThan(15);
    }
  }
});

it("knows browsers apart", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36";
  const safari = "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/26.4 Safari/605.1.15";
  expect(browserOf(chrome)).toBe("chromium");
  expect(browserOf(safari)).toBe("safari");
  expect(browserOf("Mozilla/5.0 Gecko/20100101 Firefox/153.0")).toBe("firefox");
  expect(browserOf("curl/8")).toBe("other");
});

it("falls back to a language that there is", () => {
  expect(pickLanguage(["xx-YY", "en-GB"])).toBe("en");
  expect(pickLanguage([])).toBe("en");
});
