// SPDX-License-Identifier: MIT
import { useEffect, useRef, useState } from "preact/hooks";
import { say } from "../state/actions";
import type { ChatLine } from "../state/app";
import { t } from "../strings";
import "./chat_panel.css";
import { Icon } from "./icons";
import { Panel } from "./panel";
import { useApp } from "./use_store";

/** The wire allows 4 000 bytes; a character is at most four. */
const MAX_CHARACTERS = 1_000;

export function ChatPanel() {
  const lines = useApp((state) => state.chat);
  const [text, setText] = useState("");
  const list = useRef<HTMLUListElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const words = t().chat;
  useEffect(() => list.current!.scrollTo({ top: list.current!.scrollHeight }), [lines.length]);
  useEffect(() => field.current!.focus(), []);

  function send(event: Event) {
    event.preventDefault();
    say(text);
    setText("");
  }

  return (
    <Panel name="chat" title={words.title}>
      <ul class="panel-body chat-lines" ref={list} tabIndex={0}>
        {lines.length === 0 && <li class="soft small">{words.empty}</li>}
        {lines.map((line) => (
          <Line key={line.id} line={line} />
        ))}
      </ul>
      <form class="chat-form" onSubmit={send}>
        <div class="field">
          <input
            ref={field}
            data-first
            aria-label={words.write}
            placeholder={words.write}
            autocomplete="off"
            maxLength={MAX_CHARACTERS}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
        <button
          type="submit"
          class="round"
          aria-label={words.send}
          disabled={text.trim() === ""}
        >
          <Icon name="send" />
        </button>
      </form>
    </Panel>
  );
}

function Line({ line }: { line: ChatLine }) {
  const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  return (
    <li class="chat-line">
      <p class="chat-who">
        <strong dir="auto">{line.mine ? t().call.you : line.name}</strong>
        <time class="soft">{time.format(line.sentMs)}</time>
      </p>
      <p class="chat-text" dir="auto">
        {line.text}
      </p>
    </li>
  );
}
