// SPDX-License-Identifier: MIT
// The one bar of the call: always here, always in this order.
import { useEffect, useRef, useState } from "preact/hooks";
import { canShareScreen } from "../media/capture";
import {
  leaveCall,
  react,
  toggleCamera,
  toggleMicrophone,
  togglePanel,
  toggleScreen,
} from "../state/actions";
import { t } from "../strings";
import "./control_bar.css";
import { Icon, type IconName } from "./icons";
import { REACTIONS } from "./reactions";
import { KEYS, type ControlName } from "./shortcuts";
import { useApp } from "./use_store";

export function ControlBar() {
  const microphoneOn = useApp(
    (state) => state.microphone.track !== null && state.preferences.microphoneOn,
  );
  const cameraOn = useApp((state) => state.camera.track !== null);
  const screenOn = useApp((state) => state.screen.track !== null);
  const panel = useApp((state) => state.panel);
  const unread = useApp((state) => state.unread);
  const words = t().controls;
  return (
    <div class="control-bar" role="toolbar" aria-label={words.bar}>
      <Control
        name="microphone"
        icon={microphoneOn ? "mic" : "mic-off"}
        label={microphoneOn ? words.mute : words.unmute}
        look={microphoneOn ? "" : "off"}
        onClick={toggleMicrophone}
      />
      <Control
        name="camera"
        icon={cameraOn ? "camera" : "camera-off"}
        label={cameraOn ? words.stopVideo : words.startVideo}
        look={cameraOn ? "" : "off"}
        onClick={toggleCamera}
      />
      {canShareScreen() && (
        <Control
          name="screen"
          icon="screen"
          label={screenOn ? words.stopShare : words.share}
          look={screenOn ? "active wide-only" : "wide-only"}
          onClick={() => void toggleScreen()}
        />
      )}
      <ReactControl />
      <Control
        name="chat"
        icon="chat"
        label={words.chat}
        look={panel === "chat" ? "active" : ""}
        pressed={panel === "chat"}
        badge={unread}
        onClick={() => togglePanel("chat")}
      />
      <Control
        name="people"
        icon="people"
        label={words.people}
        look={panel === "people" ? "active" : ""}
        pressed={panel === "people"}
        onClick={() => togglePanel("people")}
      />
      <Control
        name="more"
        icon="more"
        label={words.more}
        look={panel === "more" ? "active" : ""}
        pressed={panel === "more"}
        onClick={() => togglePanel("more")}
      />
      <Control name="leave" icon="leave" label={words.leave} look="leave" onClick={leaveCall} />
    </div>
  );
}

interface ControlProps {
  name: ControlName;
  icon: IconName;
  label: string;
  look: string;
  pressed?: boolean;
  badge?: number;
  onClick: () => void;
}

export function Control({ name, icon, label, look, pressed, badge = 0, onClick }: ControlProps) {
  const key = KEYS[name];
  return (
    <button
      type="button"
      class={`round control ${look}`}
      data-control={name}
      aria-label={badge > 0 ? `${label}, ${t().controls.unread(badge)}` : label}
      aria-pressed={pressed}
      aria-keyshortcuts={key}
      onClick={onClick}
    >
      <Icon name={icon} />
      {badge > 0 && <span class="badge">{Math.min(badge, 99)}</span>}
      <span class="tip" aria-hidden="true">
        {label}
        {key && <kbd>{key}</kbd>}
      </span>
    </button>
  );
}

/** Opens the row of reactions above itself. */
function ReactControl() {
  const [open, setOpen] = useState(false);
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const close = (event: Event) => {
      const key = (event as KeyboardEvent).key;
      const outside = !holder.current!.contains(event.target as Node);
      if (key === "Escape" || (event.type === "pointerdown" && outside)) setOpen(false);
    };
    addEventListener("pointerdown", close);
    addEventListener("keydown", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("keydown", close);
    };
  }, [open]);
  return (
    <div class="react wide-only" ref={holder}>
      <Control
        name="react"
        icon="smile"
        label={t().controls.react}
        look={open ? "active" : ""}
        pressed={open}
        onClick={() => setOpen(!open)}
      />
      {open && <ReactionRow />}
    </div>
  );
}

export function ReactionRow() {
  return (
    <div class="reaction-row card">
      {REACTIONS.map((sign, kind) =>
        kind === 0 ? null : (
          <button
            type="button"
            key={kind}
            aria-label={t().reactions[kind]}
            title={t().reactions[kind]}
            onClick={() => react(kind)}
          >
            {sign}
          </button>
        ),
      )}
    </div>
  );
}
