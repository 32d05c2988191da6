// SPDX-License-Identifier: MIT
// Why there is no call (any more), and what to do about it.
import { backToLobby, go } from "../state/actions";
import type { Phase } from "../net/session";
import { t } from "../strings";
import { useApp } from "./use_store";

type Over = Extract<Phase, { name: "ended" | "refused" | "unsupported" }>;

export function CallOver({ phase }: { phase: Over }) {
  const words = t().over;
  const { title, detail } = overWords(phase, isSecureContext);
  const meetingId = useApp((state) => state.route.meetingId);
  const again = phase.name !== "unsupported";
  return (
    <main class="home">
      <div class="card call-over stack">
        <p class="soft small">{meetingId}</p>
        <h1 tabIndex={-1} ref={(element) => element?.focus()}>
          {title}
        </h1>
        {detail !== "" && <p class="soft">{detail}</p>}
        <div class="row">
          {again && (
            <button
              type="button"
              class="button primary"
              onClick={backToLobby}
            >
              {words.again}
            </button>
          )}
          <button type="button" class="button" onClick={() => go("/")}>
            {words.home}
          </button>
        </div>
      </div>
    </main>
  );
}

export function overWords(phase: Over, secure: boolean): { title: string; detail: string } {
  const words = t().over;
  if (phase.name === "unsupported") {
    return secure
      ? { title: words.unsupported, detail: words.unsupportedDetail }
      : { title: words.insecure, detail: words.insecureDetail };
  }
  if (phase.name === "refused") {
    const why = phase.code === "waiting" ? words.waiting : words.refusedBy(phase.status);
    // The server may know more precisely.
    return { title: words.refused, detail: [why, phase.reason].filter(Boolean).join(" ") };
  }
  return { title: words[phase.cause], detail: words.detail[phase.cause] };
}
