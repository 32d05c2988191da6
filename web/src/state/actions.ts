// SPDX-License-Identifier: MIT
// What a person can do, and what the call does to the page. Components call
// these functions and nothing else.
import {
  DeviceError,
  listDevices,
  openBoth,
  openCamera,
  openMicrophone,
  openScreen,
  troubleOf,
  type Device,
} from "../media/capture";
import { wallMs } from "../media/milestones";
import { meetingInfo } from "../net/join";
import { NEW_CALL, initialState, type AppState, type Panel } from "./app";
import { MediaBridge } from "./media_bridge";
import { savePreferences, type Preferences } from "./preferences";
import { forcedTransport, meetingPath, parseRoute } from "./route";
import { Store } from "./store";
import { workerSaid } from "./worker_events";

export const CLIENT = "videocall-web/0.1";
const NOTICE_MS = 6_000;
/** Before each try to open a device again that ended by itself. */
const REOPEN_WAITS_MS = [0, 500, 1_000, 2_000, 4_000];

export const store = new Store<AppState>(initialState(location.pathname));
export const bridge = new MediaBridge(
  (message) => workerSaid(store, message),
  (soundRunning) => store.set({ soundRunning }),
);

let counter = 0;
const nextId = () => ++counter;

// -- Where we are -------------------------------------------------------------

export function go(path: string): void {
  history.pushState(null, "", path);
  routeChanged();
}

export function openMeeting(meetingId: string): void {
  go(meetingPath(meetingId));
}

export function routeChanged(): void {
  const route = parseRoute(location.pathname);
  if (store.get().step === "call") bridge.send({ type: "leave" });
  const step = route.meetingId === "" ? "home" : "lobby";
  if (step === "home") closeDevices();
  store.set({ route, step, info: null, ...NEW_CALL });
}

export function meetingLink(): string {
  return location.origin + meetingPath(store.get().route.meetingId);
}

export function prefer(change: Partial<Preferences>): void {
  const preferences = { ...store.get().preferences, ...change };
  savePreferences(preferences);
  store.set({ preferences });
}

export function notice(text: string): void {
  const id = nextId();
  store.set({ notices: [...store.get().notices, { id, text }].slice(-3) });
  setTimeout(() => dismiss(id), NOTICE_MS);
}

export function dismiss(id: number): void {
  store.set({ notices: store.get().notices.filter((one) => one.id !== id) });
}

// -- Lobby --------------------------------------------------------------------

export async function lookIn(signal: AbortSignal): Promise<void> {
  const { meetingId } = store.get().route;
  const info = await meetingInfo(meetingId, signal).catch(() => null);
  if (!signal.aborted) store.set({ info });
}

/** Opens what the person wants to have on, with one question if possible. */
export async function openDevices(): Promise<void> {
  const { preferences, microphone, camera } = store.get();
  const wantMicrophone = preferences.microphoneOn && !microphone.track;
  const wantCamera = preferences.cameraOn && !camera.track;
  if (wantMicrophone && wantCamera && (await openTogether(preferences))) return;
  if (wantMicrophone) await microphoneOn();
  if (wantCamera) await cameraOn();
  await refreshDevices();
}

async function openTogether(preferences: Preferences): Promise<boolean> {
  const opening = { track: null, opening: true, trouble: null };
  store.set({ microphone: opening, camera: opening });
  try {
    const [sound, picture] = await openBoth(preferences.microphoneId, preferences.cameraId);
    await useMicrophone(sound);
    useCamera(picture);
    await refreshDevices();
    return true;
  } catch (error) {
    const failed = (trouble: ReturnType<typeof troubleOf> | null) =>
      store.set({
        microphone: { track: null, opening: false, trouble },
        camera: { track: null, opening: false, trouble },
      });
    if (!navigator.mediaDevices) {
      failed("insecure");
      return true;
    }
    failed(null);
    // Refused for both: asking twice more would be a nuisance. But one may be
    // forbidden for good while the other is not.
    if (troubleOf(error) === "denied" && !(await oneIsAllowed())) {
      failed("denied");
      return true;
    }
    return false;
  }
}

async function oneIsAllowed(): Promise<boolean> {
  const states = await Promise.all(
    ["camera", "microphone"].map((name) =>
      navigator.permissions
        .query({ name: name as PermissionName })
        .then((status) => status.state)
        .catch(() => "denied"),
    ),
  );
  return states.includes("granted") || new Set(states).size > 1;
}

export async function refreshDevices(): Promise<void> {
  store.set({ devices: await listDevices() });
}

// -- Our own tracks -----------------------------------------------------------

function setDevice(device: Device, state: Partial<AppState["camera"]>): void {
  const change = { ...store.get()[device], ...state };
  store.set({ [device]: change } as Partial<AppState>);
}

export async function microphoneOn(): Promise<void> {
  prefer({ microphoneOn: true });
  const open = store.get().microphone.track;
  if (open) {
    open.enabled = true;
    bridge.send({ type: "audio-enabled", enabled: true });
    store.set({});
    return;
  }
  await opening("microphone", async () => {
    await useMicrophone(await openMicrophone(store.get().preferences.microphoneId));
  });
}

/** Muted, the device stays open: unmuting must not cost a second. */
export function microphoneOff(): void {
  prefer({ microphoneOn: false });
  const { track } = store.get().microphone;
  if (track) track.enabled = false;
  bridge.send({ type: "audio-enabled", enabled: false });
}

export function toggleMicrophone(): void {
  const { microphone, preferences } = store.get();
  if (preferences.microphoneOn && (microphone.track || microphone.opening)) microphoneOff();
  else void microphoneOn();
}

export async function cameraOn(): Promise<void> {
  prefer({ cameraOn: true });
  await opening("camera", async () => {
    useCamera(await openCamera(store.get().preferences.cameraId));
  });
}

/** The camera is closed, so that its light goes out. */
export function cameraOff(): void {
  prefer({ cameraOn: false });
  store.get().camera.track?.stop();
  setDevice("camera", { track: null, opening: false, trouble: null });
  bridge.picture("video", null);
}

export function toggleCamera(): void {
  const { camera, preferences } = store.get();
  if (camera.track || (preferences.cameraOn && camera.opening)) cameraOff();
  else void cameraOn();
}

export async function toggleScreen(): Promise<void> {
  if (store.get().screen.track) return screenOff();
  await opening("screen", async () => {
    const track = await openScreen();
    if (!track) return;
    track.addEventListener("ended", screenOff);
    setDevice("screen", { track, opening: false, trouble: null });
    bridge.picture("screen", track);
  });
}

export function screenOff(): void {
  store.get().screen.track?.stop();
  setDevice("screen", { track: null });
  bridge.picture("screen", null);
}

export async function chooseDevice(
  device: "microphone" | "camera" | "speaker",
  id: string,
): Promise<void> {
  if (device === "speaker") {
    prefer({ speakerId: id });
    bridge.setSpeaker(id);
  } else if (device === "microphone") {
    prefer({ microphoneId: id });
    store.get().microphone.track?.stop();
    setDevice("microphone", { track: null });
    await microphoneOn();
  } else {
    prefer({ cameraId: id });
    store.get().camera.track?.stop();
    await cameraOn();
  }
}

async function opening(device: Device, work: () => Promise<void>): Promise<void> {
  setDevice(device, { opening: true, trouble: null });
  try {
    await work();
  } catch (error) {
    const trouble = error instanceof DeviceError ? error.trouble : "failed";
    setDevice(device, { track: null, trouble });
  } finally {
    setDevice(device, { opening: false });
  }
}

async function useMicrophone(track: MediaStreamTrack): Promise<void> {
  track.addEventListener("ended", () => {
    if (store.get().microphone.track !== track) return;
    void bridge.microphone(null);
    void reopen("microphone", openMicrophone, useMicrophone);
  });
  // Whoever muted while it was opened is muted.
  const enabled = store.get().preferences.microphoneOn;
  track.enabled = enabled;
  setDevice("microphone", { track, opening: false, trouble: null });
  bridge.send({ type: "audio-enabled", enabled });
  await bridge.microphone(track);
}

function useCamera(track: MediaStreamTrack): void {
  // Whoever turned it off while it was opened is not to be seen.
  if (!store.get().preferences.cameraOn) return track.stop();
  track.addEventListener("ended", () => {
    if (store.get().camera.track !== track) return;
    bridge.picture("video", null);
    void reopen("camera", openCamera, useCamera);
  });
  setDevice("camera", { track, opening: false, trouble: null });
  bridge.picture("video", track);
}

/**
 * Opens again what ended by itself: it was unplugged, or the machine slept.
 * Whatever the person does with the device meanwhile goes before.
 */
async function reopen(
  device: "microphone" | "camera",
  open: (id: string) => Promise<MediaStreamTrack>,
  use: (track: MediaStreamTrack) => unknown,
): Promise<void> {
  const { preferences } = store.get();
  if (!preferences[`${device}On`]) return setDevice(device, { track: null });
  setDevice(device, { track: null, opening: true, trouble: null });
  const ours = store.get()[device];
  const stillOurs = () => store.get()[device] === ours;
  for (const waitMs of REOPEN_WAITS_MS) {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (!stillOurs()) return;
    const track = await open(preferences[`${device}Id`]).catch(() => null);
    if (!stillOurs()) return track?.stop();
    if (track) return void use(track);
  }
  setDevice(device, { opening: false, trouble: "busy" });
}

export function closeDevices(): void {
  const { microphone, camera, screen } = store.get();
  for (const { track } of [microphone, camera, screen]) track?.stop();
  const closed = { track: null, opening: false, trouble: null };
  store.set({ microphone: closed, camera: closed, screen: closed });
  void bridge.microphone(null);
  bridge.picture("video", null);
  bridge.picture("screen", null);
}

// -- The call -----------------------------------------------------------------

export function joinCall(): void {
  const { route, preferences } = store.get();
  bridge.resumeSound();
  bridge.setSpeaker(preferences.speakerId);
  store.set({ step: "call", ...NEW_CALL, milestones: { clicked: wallMs() } });
  bridge.start({
    meetingId: route.meetingId,
    userId: route.userId,
    displayName: preferences.name.trim(),
    client: CLIENT,
    transport: forcedTransport(location.search),
  });
}

export function leaveCall(): void {
  if (store.get().screen.track) screenOff();
  bridge.send({ type: "leave" });
}

/** After the call: back to where one can join again. */
export function backToLobby(): void {
  store.set({ step: "lobby", ...NEW_CALL });
}

export function togglePanel(panel: Panel): void {
  const open = store.get().panel === panel ? "none" : panel;
  store.set({ panel: open, ...(open === "chat" && { unread: 0 }) });
}

export function say(text: string): void {
  if (text.trim() !== "") bridge.send({ type: "chat", text: text.trim() });
}

export function react(kind: number): void {
  bridge.send({ type: "reaction", kind });
  showReaction(kind, "");
}

export function showReaction(kind: number, name: string): void {
  const id = nextId();
  store.set({ reactions: [...store.get().reactions, { id, kind, name }].slice(-12) });
  setTimeout(() => {
    store.set({ reactions: store.get().reactions.filter((one) => one.id !== id) });
  }, 4_000);
}

export function toggleHand(): void {
  const handRaised = !store.get().handRaised;
  store.set({ handRaised });
  bridge.send({ type: "hand", raised: handRaised });
}

export function togglePin(sessionId: number): void {
  store.set({ pinned: store.get().pinned === sessionId ? 0 : sessionId });
}
