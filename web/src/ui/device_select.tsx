// SPDX-License-Identifier: MIT
import type { DeviceChoice } from "../media/capture";
import { bridge, chooseDevice } from "../state/actions";
import { t } from "../strings";
import { LevelMeter } from "./level_meter";
import { useApp } from "./use_store";

/** Microphone, camera and, where the browser can choose one, loudspeaker. */
export function DeviceSelects({ meter = false }: { meter?: boolean }) {
  const devices = useApp((state) => state.devices);
  const preferences = useApp((state) => state.preferences);
  const words = t().lobby;
  return (
    <>
      <Select
        label={words.microphone}
        choices={devices.microphones}
        chosen={preferences.microphoneId}
        onChoose={(id) => void chooseDevice("microphone", id)}
      />
      {meter && <LevelMeter />}
      <Select
        label={words.camera}
        choices={devices.cameras}
        chosen={preferences.cameraId}
        onChoose={(id) => void chooseDevice("camera", id)}
      />
      {devices.speakers.length > 1 && bridge.canChooseSpeaker && (
        <Select
          label={words.speaker}
          choices={devices.speakers}
          chosen={preferences.speakerId}
          onChoose={(id) => void chooseDevice("speaker", id)}
        />
      )}
    </>
  );
}

interface SelectProps {
  label: string;
  choices: DeviceChoice[];
  chosen: string;
  onChoose: (id: string) => void;
}

function Select({ label, choices, chosen, onChoose }: SelectProps) {
  const id = `device-${label}`;
  if (choices.length === 0) return null;
  const known = choices.some((choice) => choice.id === chosen);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={known ? chosen : (choices[0]?.id ?? "")}
        onChange={(event) => onChoose(event.currentTarget.value)}
      >
        {choices.map((choice, i) => (
          <option key={choice.id} value={choice.id}>
            {choice.label || t().lobby.device(i + 1)}
          </option>
        ))}
      </select>
    </div>
  );
}
