// SPDX-License-Identifier: MIT
// What slides over from the side on wide screens and up from below on phones.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { togglePanel } from "../state/actions";
import type { Panel as PanelName } from "../state/app";
import { t } from "../strings";
import { Icon } from "./icons";
import "./panel.css";

interface Props {
  name: PanelName;
  title: string;
  children: ComponentChildren;
}

export function Panel({ name, title, children }: Props) {
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    if (!document.querySelector(".panel [data-first]")) close.current!.focus();
    return () => (before as HTMLElement | null)?.focus?.();
  }, []);
  return (
    <aside class="panel" aria-label={title}>
      <header class="panel-head">
        <h2>{title}</h2>
        <button
          ref={close}
          type="button"
          class="round panel-close"
          aria-label={t().controls.close}
          onClick={() => togglePanel(name)}
        >
          <Icon name="close" />
        </button>
      </header>
      {children}
    </aside>
  );
}
