// SPDX-License-Identifier: MIT
import { render } from "preact";
import { bridge, routeChanged, store } from "./state/actions";
import { exposeDiagnostics } from "./state/diagnostics";
import { applyLanguage } from "./strings";
import { App } from "./ui/app";

/** The network or the machine came back: the worker should look at once. */
function watchTheWorld(): void {
  const network = () => {
    store.set({ online: navigator.onLine });
    bridge.send({ type: "poke" });
  };
  addEventListener("online", network);
  addEventListener("offline", network);
  addEventListener("popstate", routeChanged);
  // A page out of the back-forward cache has a call that others saw end.
  addEventListener("pageshow", (event) => {
    if ((event as { persisted?: boolean }).persisted) location.reload();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) bridge.send({ type: "poke" });
  });
}

applyLanguage();
exposeDiagnostics();
watchTheWorld();
const root = document.getElementById("app")!;
root.replaceChildren();
render(<App />, root);
