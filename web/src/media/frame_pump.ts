// SPDX-License-Identifier: MIT
// Frames of a track where the browser has no MediaStreamTrackProcessor: a
// video element that nobody sees tells of each frame (window).

export class FramePump {
  private readonly video = document.createElement("video");
  private readonly startMs = performance.now();
  private stopped = false;

  constructor(
    track: MediaStreamTrack,
    private readonly deliver: (frame: VideoFrame, grabbed: boolean) => void,
  ) {
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.srcObject = new MediaStream([track]);
    void this.video.play().catch(() => {});
    this.next();
  }

  /**
   * Takes a frame now. Hidden pages get no frame callbacks, so the worker's
   * timer asks for frames in their place.
   */
  grab(): void {
    this.take(true);
  }

  stop(): void {
    this.stopped = true;
    this.video.pause();
    this.video.srcObject = null;
  }

  private take(grabbed: boolean): void {
    if (this.stopped || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    // The element's own timestamp is 0 in Firefox.
    const timestamp = Math.round((performance.now() - this.startMs) * 1_000);
    try {
      this.deliver(new VideoFrame(this.video, { timestamp }), grabbed);
    } catch {
      // No picture at this moment; the next one comes.
    }
  }

  private next(): void {
    this.video.requestVideoFrameCallback(() => {
      if (this.stopped) return;
      this.take(false);
      this.next();
    });
  }
}
