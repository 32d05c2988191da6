// SPDX-License-Identifier: MIT
import { useState } from "preact/hooks";
import { meetingLink, notice } from "../state/actions";
import { t } from "../strings";
import { Icon } from "./icons";

const SAID_MS = 2_500;

export function CopyLink({ primary = false }: { primary?: boolean }) {
  const [copied, setCopied] = useState(false);
  const words = t().call;

  async function copy() {
    try {
      await navigator.clipboard.writeText(meetingLink());
      setCopied(true);
      setTimeout(() => setCopied(false), SAID_MS);
    } catch {
      // No permission: the link itself can still be read.
      notice(words.copyFailed(meetingLink()));
    }
  }

  return (
    <button
      type="button"
      class={primary ? "button primary" : "button"}
      onClick={() => void copy()}
    >
      <Icon name={copied ? "check" : "link"} />
      <span role="status">{copied ? words.copied : words.copyLink}</span>
    </button>
  );
}
