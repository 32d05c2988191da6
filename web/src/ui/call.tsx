// SPDX-License-Identifier: MIT
import { useEffect } from "preact/hooks";
import { bridge, leaveCall, refreshDevices } from "../state/actions";
import { t } from "../strings";
import "./call.css";
import { CallOver } from "./call_over";
import { CallState } from "./call_state";
import { ChatPanel } from "./chat_panel";
import { ControlBar } from "./control_bar";
import { CopyLink } from "./copy_link";
import { Grid } from "./grid";
import { MorePanel } from "./more_panel";
import { PeoplePanel } from "./people_panel";
import { FlyingReactions } from "./reactions";
import { SelfView } from "./self_view";
import { useShortcuts } from "./shortcuts";
import { Trouble } from "./trouble";
import { useApp } from "./use_store";
import { cameraOn, microphoneOn } from "../state/actions";

export function CallView() {
  const phase = useApp((state) => state.phase);
  const over =
    phase.name === "ended" || phase.name === "refused" || phase.name === "unsupported";
  return over ? <CallOver phase={phase} /> : <Call />;
}

function Call() {
  const panel = useApp((state) => state.panel);
  const alone = useApp((state) => state.members.length === 0);
  const connected = useApp((state) => state.phase.name === "connected");
  const meetingId = useApp((state) => state.route.meetingId);
  useShortcuts();
  useLeaveWithPage();
  return (
    <div class="call">
      <header class="call-head">
        <h1 class="call-title">{meetingId}</h1>
        <CallState />
      </header>
      <SoundOff />
      <DeviceTroubles />
      <div class="call-middle">
        <main class="call-stage">
          <Grid />
          {alone && connected && <Alone />}
          <SelfView />
          <FlyingReactions />
        </main>
        {panel === "chat" && <ChatPanel />}
        {panel === "people" && <PeoplePanel />}
        {panel === "more" && <MorePanel />}
      </div>
      <footer>
        <ControlBar />
      </footer>
    </div>
  );
}

function Alone() {
  const words = t().call;
  return (
    <div class="alone">
      <div class="alone-card">
        <h2>{words.youAlone}</h2>
        <p class="soft">{words.invite}</p>
        <CopyLink primary />
      </div>
    </div>
  );
}

/** Only when the browser holds sound back. */
function SoundOff() {
  const running = useApp((state) => state.soundRunning);
  const words = t().call;
  if (running) return null;
  return (
    <div class="call-banner" role="alert">
      <span>{words.soundOff}</span>
      <button type="button" class="button" onClick={() => bridge.resumeSound()}>
        {words.soundOn}
      </button>
    </div>
  );
}

/** A device that was taken away or refused while in the call. */
function DeviceTroubles() {
  const microphone = useApp((state) => state.microphone.trouble);
  const camera = useApp((state) => state.camera.trouble);
  const wanted = useApp((state) => state.preferences);
  return (
    <>
      {microphone && wanted.microphoneOn && (
        <Trouble
          device="microphone"
          trouble={microphone}
          onRetry={() => void microphoneOn().then(refreshDevices)}
        />
      )}
      {camera && wanted.cameraOn && (
        <Trouble
          device="camera"
          trouble={camera}
          onRetry={() => void cameraOn().then(refreshDevices)}
        />
      )}
    </>
  );
}

/** Closing the page is leaving: the others see it at once. */
function useLeaveWithPage(): void {
  useEffect(() => {
    addEventListener("pagehide", leaveCall);
    return () => removeEventListener("pagehide", leaveCall);
  }, []);
}
