// SPDX-License-Identifier: MIT
import { prefer, toggleHand, toggleScreen } from "../state/actions";
import { canShareScreen } from "../media/capture";
import type { Theme } from "../state/preferences";
import { t } from "../strings";
import { hasKeyboard } from "./browser";
import { ReactionRow } from "./control_bar";
import { DeviceSelects } from "./device_select";
import { Icon } from "./icons";
import "./more_panel.css";
import { Panel } from "./panel";
import { KEYS } from "./shortcuts";
import { useApp } from "./use_store";

const THEMES: Theme[] = ["system", "light", "dark"];

export function MorePanel() {
  const words = t().more;
  const handRaised = useApp((state) => state.handRaised);
  const screenOn = useApp((state) => state.screen.track !== null);
  const hasDevices = useApp(
    ({ devices }) => devices.microphones.length + devices.cameras.length > 0,
  );
  return (
    <Panel name="more" title={words.title}>
      <div class="panel-body stack">
        <button type="button" class="button" aria-pressed={handRaised} onClick={toggleHand}>
          <Icon name="hand" />
          {handRaised ? words.handDown : words.hand}
        </button>
        <div class="narrow-only stack">
          <ReactionRow />
          {canShareScreen() && (
            <button type="button" class="button" onClick={() => void toggleScreen()}>
              <Icon name="screen" />
              {screenOn ? t().controls.stopShare : t().controls.share}
            </button>
          )}
        </div>
        {hasDevices && <h2 class="more-head">{words.devices}</h2>}
        <DeviceSelects />
        <h2 class="more-head">{words.appearance}</h2>
        <Appearance />
        <h2 class="more-head">{words.connection}</h2>
        <Connection />
        {hasKeyboard() && <Keys />}
      </div>
    </Panel>
  );
}

function Appearance() {
  const theme = useApp((state) => state.preferences.theme);
  return (
    <div class="segments" role="radiogroup" aria-label={t().more.appearance}>
      {THEMES.map((choice) => (
        <label key={choice} class={theme === choice ? "chosen" : ""}>
          <input
            class="hidden-text"
            type="radio"
            name="theme"
            checked={theme === choice}
            onChange={() => prefer({ theme: choice })}
          />
          {t().more.theme[choice]}
        </label>
      ))}
    </div>
  );
}

function Connection() {
  const phase = useApp((state) => state.phase);
  const facts = useApp((state) => state.facts);
  const words = t().more;
  if (phase.name !== "connected") return null;
  const sent = facts?.video;
  const pictures = (facts?.peers ?? [])
    .flatMap(({ video, screen }) => [video, screen])
    .filter((picture) => picture !== null && !picture.paused && picture.kbps > 0);
  const kbps = Math.round(pictures.reduce((sum, picture) => sum + picture!.kbps, 0));
  const rows: [string, string][] = [
    [words.transport, transportWords(phase.transport, phase.fallback)],
    [words.roundTrip, t().state.rtt(Math.round(facts?.rttMs ?? 0))],
    [words.loss, words.lossPercent(facts?.lostShare ?? 0)],
    [words.receiving, words.receives(pictures.length, kbps)],
    [words.sending, sent ? words.sends(sent.width, sent.height, sent.kbps) : words.nothing],
    [words.encryption, phase.e2ee === "off" ? t().state.notEncrypted : t().state.encrypted],
  ];
  return (
    <dl class="facts">
      {rows.map(([term, value]) => (
        <div key={term}>
          <dt class="soft">{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function transportWords(kind: string, fallback: boolean): string {
  if (kind === "webtransport") return "WebTransport";
  return fallback ? t().more.fallback : "WebSocket";
}

function Keys() {
  const words = t().controls;
  const names: Record<string, string> = {
    microphone: words.mute,
    camera: words.stopVideo,
    screen: words.share,
    chat: words.chat,
    people: words.people,
    hand: t().more.hand,
    leave: words.leave,
  };
  return (
    <>
      <h2 class="more-head">{t().more.shortcuts}</h2>
      <dl class="facts">
        {Object.entries(KEYS).map(([name, key]) => (
          <div key={name}>
            <dt class="soft">{names[name]}</dt>
            <dd>
              <kbd>{key}</kbd>
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
