// SPDX-License-Identifier: MIT
import { useEffect } from "preact/hooks";
import {
  bridge,
  cameraOn,
  go,
  joinCall,
  lookIn,
  microphoneOn,
  openDevices,
  prefer,
  refreshDevices,
  store,
  toggleCamera,
  toggleMicrophone,
} from "../state/actions";
import type { AppState } from "../state/app";
import { t } from "../strings";
import { Avatar } from "./avatar";
import { DeviceSelects } from "./device_select";
import { Icon } from "./icons";
import "./lobby.css";
import { SelfVideo } from "./self_video";
import { Trouble } from "./trouble";
import { useApp } from "./use_store";

const LOOK_IN_MS = 5_000;
const NAMES_SHOWN = 3;

export function Lobby() {
  const route = useApp((state) => state.route);
  const name = useApp((state) => state.preferences.name);
  const microphone = useApp((state) => state.microphone);
  const camera = useApp((state) => state.camera);
  const words = t().lobby;
  useEffect(() => {
    document.title = `${route.meetingId} · ${t().appName}`;
    void openDevices();
    // Browsers that want a click before sound get it from any.
    const wake = () => bridge.resumeSound();
    addEventListener("pointerdown", wake);
    addEventListener("keydown", wake);
    return () => {
      removeEventListener("pointerdown", wake);
      removeEventListener("keydown", wake);
    };
  }, []);
  useDeviceChanges();
  useLookIn(route.meetingId);

  function join(event: Event) {
    event.preventDefault();
    if (store.get().preferences.name.trim() !== "") joinCall();
  }

  const nothing = !microphone.track && !camera.track;
  return (
    <main class="lobby">
      <Preview camera={camera} microphoneOn={microphone.track !== null} />
      <form class="lobby-side stack" onSubmit={join}>
        <div class="stack lobby-head">
          <button class="button plain lobby-back" type="button" onClick={() => go("/")}>
            {words.back}
          </button>
          <h1>{words.title(route.meetingId)}</h1>
          <Present />
        </div>
        <div class="field">
          <label for="name">{words.name}</label>
          <input
            id="name"
            required
            autocomplete="name"
            maxLength={60}
            value={name}
            placeholder={t().home.namePlaceholder}
            onInput={(event) => prefer({ name: event.currentTarget.value })}
          />
        </div>
        <Troubles microphone={microphone} camera={camera} />
        <DeviceSelects meter={microphone.track !== null} />
        <button class="button primary lobby-join" type="submit" disabled={name.trim() === ""}>
          {nothing && (microphone.trouble || camera.trouble) ? words.joinWithout : words.join}
        </button>
        {name.trim() === "" && <p class="small soft">{words.nameMissing}</p>}
      </form>
    </main>
  );
}

function Preview({ camera, microphoneOn }: { camera: AppState["camera"]; microphoneOn: boolean }) {
  const { name, microphoneOn: wanted } = useApp((state) => state.preferences);
  const words = t();
  const live = microphoneOn && wanted;
  return (
    <section class="preview" aria-label={words.lobby.preview}>
      {camera.track ? (
        <SelfVideo track={camera.track} label={words.lobby.preview} mirrored />
      ) : (
        <div class="preview-empty">
          <Avatar userId={name} name={name} />
          <p>{camera.opening ? words.lobby.starting : words.lobby.cameraOff}</p>
        </div>
      )}
      <div class="preview-controls">
        <RoundToggle
          on={live}
          icon={live ? "mic" : "mic-off"}
          label={live ? words.controls.mute : words.controls.unmute}
          onClick={toggleMicrophone}
        />
        <RoundToggle
          on={camera.track !== null}
          icon={camera.track ? "camera" : "camera-off"}
          label={camera.track ? words.controls.stopVideo : words.controls.startVideo}
          onClick={toggleCamera}
        />
      </div>
    </section>
  );
}

/** What keeps the devices away; one card when both have the same cause. */
function Troubles({ microphone, camera }: Pick<AppState, "microphone" | "camera">) {
  const retry = (open: () => Promise<void>) => () => void open().then(refreshDevices);
  if (microphone.trouble && microphone.trouble === camera.trouble) {
    return (
      <Trouble device="both" trouble={camera.trouble} onRetry={() => void openDevices()} />
    );
  }
  return (
    <>
      {microphone.trouble && (
        <Trouble
          device="microphone"
          trouble={microphone.trouble}
          onRetry={retry(microphoneOn)}
        />
      )}
      {camera.trouble && (
        <Trouble device="camera" trouble={camera.trouble} onRetry={retry(cameraOn)} />
      )}
    </>
  );
}

interface ToggleProps {
  on: boolean;
  icon: Parameters<typeof Icon>[0]["name"];
  label: string;
  onClick: () => void;
}

function RoundToggle({ on, icon, label, onClick }: ToggleProps) {
  return (
    <button
      type="button"
      class={on ? "round on-picture" : "round on-picture off"}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

/** Who is already there. */
function Present() {
  const info = useApp((state) => state.info);
  const words = t().lobby;
  if (!info) return null;
  const shown = info.participants.slice(0, NAMES_SHOWN);
  return (
    <p class="soft" role="status">
      {info.count === 0
        ? words.nobody
        : shown.length > 0
          ? words.here(shown, info.count - shown.length)
          : words.hereCount(info.count)}
    </p>
  );
}

function useDeviceChanges(): void {
  useEffect(() => {
    const changed = () => void refreshDevices();
    navigator.mediaDevices?.addEventListener("devicechange", changed);
    return () => navigator.mediaDevices?.removeEventListener("devicechange", changed);
  }, []);
}

function useLookIn(meetingId: string): void {
  useEffect(() => {
    const stop = new AbortController();
    const look = () => void lookIn(stop.signal);
    look();
    const timer = setInterval(look, LOOK_IN_MS);
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }, [meetingId]);
}
