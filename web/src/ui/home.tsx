// SPDX-License-Identifier: MIT
import { useState } from "preact/hooks";
import { openMeeting, prefer } from "../state/actions";
import { meetingIdFrom, newMeetingId } from "../state/route";
import { t } from "../strings";
import "./home.css";
import { useApp } from "./use_store";

export function Home() {
  const words = t().home;
  const name = useApp((state) => state.preferences.name);
  const [meeting, setMeeting] = useState("");
  const [bad, setBad] = useState(false);

  function open(event: Event) {
    event.preventDefault();
    if (meeting.trim() === "") return openMeeting(newMeetingId());
    const id = meetingIdFrom(meeting);
    if (id === "") setBad(true);
    else openMeeting(id);
  }

  return (
    <main class="home">
      <div class="home-box stack">
        <p class="brand">
          <img src="/favicon.svg" alt="" width="28" height="28" /> {t().appName}
        </p>
        <div>
          <h1>{words.title}</h1>
          <p class="soft home-lead">{words.lead}</p>
        </div>
        <form class="card home-form stack" onSubmit={open}>
          <div class="field">
            <label for="name">{words.name}</label>
            <input
              id="name"
              autocomplete="name"
              maxLength={60}
              placeholder={words.namePlaceholder}
              value={name}
              onInput={(event) => prefer({ name: event.currentTarget.value })}
            />
          </div>
          <div class="field">
            <label for="meeting">{words.meeting}</label>
            <input
              id="meeting"
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              placeholder={words.meetingPlaceholder}
              value={meeting}
              aria-invalid={bad}
              aria-describedby="meeting-hint"
              onInput={(event) => {
                setMeeting(event.currentTarget.value);
                setBad(false);
              }}
            />
            <span id="meeting-hint" class={bad ? "hint bad" : "hint"} role="status">
              {bad ? words.meetingBad : words.meetingHint}
            </span>
          </div>
          <button class="button primary" type="submit">
            {meeting.trim() === "" ? words.newMeeting : words.open}
          </button>
        </form>
      </div>
    </main>
  );
}
