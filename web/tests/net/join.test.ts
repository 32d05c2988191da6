// SPDX-License-Identifier: MIT
import { afterEach, describe, expect, it, vi } from "vitest";
import { Refused, join, meetingInfo } from "../../src/net/join";

const signal = new AbortController().signal;

function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  const fetched = vi.fn(async (_url: string, _init: RequestInit) =>
    new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers }),
  );
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

afterEach(() => vi.unstubAllGlobals());

describe("join", () => {
  it("asks as the interface wants, and reads the answer", async () => {
    const fetched = answer(200, {
      success: true,
      result: {
        user_id: "ada",
        display_name: "Ada",
        status: "admitted",
        is_host: true,
        room_token: "t",
        e2ee: "off",
        transports: [
          {
            kind: "webtransport",
            url: "https://127.0.0.1:4433/meet/a",
            certificate_hashes: [{ algorithm: "sha-256", value: "AAA=" }],
          },
        ],
      },
    });
    const joined = await join({ meetingId: "a", displayName: "Ada", userId: "ada" }, signal);
    expect(fetched.mock.calls[0]![0]).toBe("/api/v1/meetings/a/join");
    const body = fetched.mock.calls[0]![1].body as string;
    expect(JSON.parse(body)).toEqual({ display_name: "Ada", user_id: "ada" });
    expect(joined).toMatchObject({ isHost: true, token: "t", status: "admitted" });
    expect(joined.transports[0]!.certificateHashes).toEqual([
      { algorithm: "sha-256", value: "AAA=" },
    ]);
  });

  it("claims no user id that there is none of", async () => {
    const fetched = answer(200, { success: true, result: {} });
    await join({ meetingId: "a", displayName: "A", userId: "" }, signal);
    expect(fetched.mock.calls[0]![1].body).toBe('{"display_name":"A"}');
  });

  it.each([
    [404, false],
    [403, false],
    [429, true],
    [503, true],
  ])("turns status %i into a refusal", async (status, temporary) => {
    answer(status, { success: false, result: { code: "c", message: "m" } }, { "Retry-After": "3" });
    const error = await join({ meetingId: "a", displayName: "A", userId: "" }, signal).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(Refused);
    expect(error).toMatchObject({ status, code: "c", message: "m", temporary, retryAfterS: 3 });
  });

  it("copes with an answer that is no JSON", async () => {
    answer(502, "<html>Bad gateway</html>");
    await expect(
      join({ meetingId: "a", displayName: "A", userId: "" }, signal),
    ).rejects.toMatchObject({ status: 502, temporary: true });
  });
});

it("reads who is there", async () => {
  answer(200, {
    success: true,
    result: { participant_count: 3, members: [{ display_name: "Ada" }, { display_name: "" }] },
  });
  expect(await meetingInfo("a", signal)).toEqual({ participants: ["Ada"], count: 3 });
});
