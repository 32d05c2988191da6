// SPDX-License-Identifier: MIT
// Microphone, camera and screen of this machine (window).

export type Device = "microphone" | "camera" | "screen";

/** Why a device gives nothing; the page has words for each. */
export type DeviceTrouble = "denied" | "missing" | "busy" | "insecure" | "failed";

export class DeviceError extends Error {
  constructor(
    readonly device: Device,
    readonly trouble: DeviceTrouble,
  ) {
    super(`${device}: ${trouble}`);
  }
}

export interface DeviceChoice {
  id: string;
  label: string;
}

export interface DeviceLists {
  microphones: DeviceChoice[];
  cameras: DeviceChoice[];
  speakers: DeviceChoice[];
}

/** Captured at this size; what is sent is scaled down from it. */
const HD = navigator.hardwareConcurrency >= 4;
const CAMERA: MediaTrackConstraints = {
  width: { ideal: HD ? 1_280 : 640 },
  height: { ideal: HD ? 720 : 360 },
  frameRate: { ideal: 30, max: 30 },
};
const MICROPHONE: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  channelCount: { ideal: 1 },
};

export async function openMicrophone(id: string): Promise<MediaStreamTrack> {
  const audio = { ...MICROPHONE, ...chosen(id) };
  return open("microphone", () => navigator.mediaDevices.getUserMedia({ audio }));
}

export async function openCamera(id: string): Promise<MediaStreamTrack> {
  const video = { ...CAMERA, ...chosen(id) };
  return open("camera", () => navigator.mediaDevices.getUserMedia({ video }));
}

/**
 * Both with one question to the person. Rejects only if neither can be had by
 * asking for both; the caller then asks for each alone.
 */
export async function openBoth(
  microphone: string,
  camera: string,
): Promise<[MediaStreamTrack, MediaStreamTrack]> {
  if (!navigator.mediaDevices) throw new DeviceError("camera", "insecure");
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { ...MICROPHONE, ...chosen(microphone) },
    video: { ...CAMERA, ...chosen(camera) },
  });
  return [stream.getAudioTracks()[0]!, stream.getVideoTracks()[0]!];
}

export function canShareScreen(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === "function";
}

/** null: the person changed their mind. */
export async function openScreen(): Promise<MediaStreamTrack | null> {
  try {
    return await open("screen", () =>
      navigator.mediaDevices.getDisplayMedia({
        video: { frameRate: { ideal: 15, max: 30 } },
        audio: false,
      }),
    );
  } catch (error) {
    if (error instanceof DeviceError && error.trouble === "denied") return null;
    throw error;
  }
}

/** Names are empty until the person has allowed a device of that kind. */
export async function listDevices(): Promise<DeviceLists> {
  const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  const of = (kind: MediaDeviceKind) =>
    all
      .filter((device) => device.kind === kind && device.deviceId !== "")
      .map(({ deviceId, label }) => ({ id: deviceId, label }));
  return {
    microphones: of("audioinput"),
    cameras: of("videoinput"),
    speakers: of("audiooutput"),
  };
}

/** The frames of a track as a stream that a worker can own; null: not here. */
export function frameStream(track: MediaStreamTrack): ReadableStream<VideoFrame> | null {
  if (typeof MediaStreamTrackProcessor === "undefined") return null;
  const processor = new MediaStreamTrackProcessor({
    track: track as MediaStreamVideoTrack,
    maxBufferSize: 3,
  });
  return processor.readable;
}

export function troubleOf(error: unknown): DeviceTrouble {
  if (error instanceof DeviceError) return error.trouble;
  switch ((error as DOMException | null)?.name) {
    case "NotAllowedError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    case "SecurityError":
      return "insecure";
    default:
      return "failed";
  }
}

async function open(
  device: Device,
  ask: () => Promise<MediaStream>,
): Promise<MediaStreamTrack> {
  if (!navigator.mediaDevices) throw new DeviceError(device, "insecure");
  try {
    return (await ask()).getTracks()[0]!;
  } catch (error) {
    throw new DeviceError(device, troubleOf(error));
  }
}

/** A device that is gone since it was chosen gives way to any other. */
function chosen(id: string): MediaTrackConstraints {
  return id === "" ? {} : { deviceId: { ideal: id } };
}
