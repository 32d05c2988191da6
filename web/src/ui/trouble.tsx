// SPDX-License-Identifier: MIT
// What is wrong with a device, and how to undo it in this browser.
import type { Device, DeviceTrouble } from "../media/capture";
import { t } from "../strings";
import { browserOf } from "./browser";
import "./trouble.css";

interface Props {
  device: Device | "both";
  trouble: DeviceTrouble;
  onRetry: () => void;
}

export function Trouble({ device, trouble, onRetry }: Props) {
  const words = t().trouble;
  return (
    <div class="trouble" role="alert">
      <p>
        <strong>{words.title[device]}.</strong> {words.why(device, trouble)}{" "}
        {trouble === "denied" && words.undo[browserOf(navigator.userAgent)]}
      </p>
      {trouble !== "insecure" && (
        <button class="button" type="button" onClick={onRetry}>
          {t().lobby.tryAgain}
        </button>
      )}
    </div>
  );
}
