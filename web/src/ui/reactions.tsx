// SPDX-License-Identifier: MIT
import { t } from "../strings";
import "./reactions.css";
import { useApp } from "./use_store";

/** By the wire's number (proto/chat.proto, Reaction.Kind). */
export const REACTIONS = ["", "👍", "👎", "😄", "👏", "❤️", "🤔", "🎉"];

/** Reactions that rise over the call for a few seconds. */
export function FlyingReactions() {
  const reactions = useApp((state) => state.reactions);
  return (
    <div class="flying" aria-live="polite">
      {reactions.map(({ id, kind, name }) => (
        <p key={id} style={{ "--lane": id % 5 }}>
          <span aria-hidden="true">{REACTIONS[kind] ?? ""}</span>
          <span class="hidden-text">{`${name || t().call.you}: ${t().reactions[kind] ?? ""}`}</span>
          {name !== "" && <small aria-hidden="true">{name}</small>}
        </p>
      ))}
    </div>
  );
}
