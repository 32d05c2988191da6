// SPDX-License-Identifier: MIT
import { useEffect } from "preact/hooks";
import { CallView } from "./call";
import { Home } from "./home";
import { Lobby } from "./lobby";
import { useApp } from "./use_store";

export function App() {
  const step = useApp((state) => state.step);
  const theme = useApp((state) => state.preferences.theme);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  return (
    <>
      {step === "home" && <Home />}
      {step === "lobby" && <Lobby />}
      {step === "call" && <CallView />}
      <Notices />
    </>
  );
}

function Notices() {
  const notices = useApp((state) => state.notices);
  const announcement = useApp((state) => state.announcement);
  return (
    <>
      <div class="notices" role="status">
        {notices.map((notice) => (
          <p class="notice" key={notice.id}>
            {notice.text}
          </p>
        ))}
      </div>
      <p class="hidden-text" aria-live="polite">
        {announcement}
      </p>
    </>
  );
}
