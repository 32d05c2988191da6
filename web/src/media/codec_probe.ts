// SPDX-License-Identifier: MIT
// Which codec this machine should send. isConfigSupported promises what the
// encoder cannot keep (Firefox: VP9 at 9 fps), so frames are encoded and timed.

export interface Codec {
  codec: string;
  scalabilityMode: string | undefined;
  /** ms per 640×360 frame. */
  encodeMs: number;
}

const WIDTH = 640;
const HEIGHT = 360;
const FRAMES = 12;
const TIMEOUT_MS = 2_000;
/** What every peer decodes, and every browser encodes fast. */
const COMMON = "vp8";
/** Fewer cores than this are needed for decoding the others. */
const CORES_FOR_BETTER = 6;
const BETTER = "vp09.00.10.08";
const BETTER_MAX_MS = 4;

/** The codec for cameras; VP8 whenever nothing better is quick enough. */
export async function probeCodec(cores: number): Promise<Codec> {
  if (cores >= CORES_FOR_BETTER) {
    const better = await time(BETTER, "L1T3");
    if (better && better.encodeMs <= BETTER_MAX_MS) return better;
  }
  return (
    (await time(COMMON, "L1T3")) ??
    (await time(COMMON, undefined)) ?? {
      codec: COMMON,
      scalabilityMode: undefined,
      encodeMs: Infinity,
    }
  );
}

async function time(codec: string, scalabilityMode: string | undefined): Promise<Codec | null> {
  let encoded = 0;
  if (typeof VideoEncoder === "undefined") return null;
  const encoder = new VideoEncoder({ output: () => encoded++, error: () => {} });
  try {
    encoder.configure({
      codec,
      width: WIDTH,
      height: HEIGHT,
      bitrate: 600_000,
      framerate: 30,
      latencyMode: "realtime",
      ...(scalabilityMode && { scalabilityMode }),
    });
    const pixels = noise();
    // The first frame pays for the start.
    encodeFrame(encoder, pixels, 0);
    await withTimeout(encoder.flush());
    const start = performance.now();
    for (let i = 1; i <= FRAMES; i++) encodeFrame(encoder, pixels, i);
    await withTimeout(encoder.flush());
    if (encoded <= FRAMES) return null;
    return { codec, scalabilityMode, encodeMs: (performance.now() - start) / FRAMES };
  } catch {
    return null;
  } finally {
    if (encoder.state !== "closed") encoder.close();
  }
}

function encodeFrame(encoder: VideoEncoder, pixels: Uint8Array<ArrayBuffer>, index: number): void {
  // Something moves, or the encoder has nothing to do.
  pixels.copyWithin(0, 640);
  const frame = new VideoFrame(pixels, {
    format: "I420",
    codedWidth: WIDTH,
    codedHeight: HEIGHT,
    timestamp: index * 33_333,
  });
  encoder.encode(frame, { keyFrame: index === 0 });
  frame.close();
}

function noise(): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array((WIDTH * HEIGHT * 3) / 2);
  let seed = 1;
  for (let i = 0; i < pixels.length; i++) {
    seed = (seed * 16_807) % 2_147_483_647;
    pixels[i] = 96 + ((i >> 4) & 63) + (seed & 7);
  }
  return pixels;
}

async function withTimeout(work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("too slow")), TIMEOUT_MS);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
