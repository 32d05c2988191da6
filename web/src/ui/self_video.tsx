// SPDX-License-Identifier: MIT
import { useEffect, useRef } from "preact/hooks";

interface Props {
  track: MediaStreamTrack;
  label: string;
  /** Cameras are shown as in a mirror, screens are not. */
  mirrored: boolean;
}

/** A track of our own, straight from the device. */
export function SelfVideo({ track, label, mirrored }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    video.current!.srcObject = new MediaStream([track]);
  }, [track]);
  return (
    <video
      ref={video}
      class={mirrored ? "self-video mirrored" : "self-video"}
      autoplay
      muted
      playsInline
      aria-label={label}
    />
  );
}
