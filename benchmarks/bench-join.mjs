#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// How soon a newcomer sees a picture: from the session being up to the first key
// frame, when viewers come evenly over a second, and all at once.
//
//   ./dev bench join [--quick] [--rounds N] [--seconds N] [--json FILE]
import { load, loads, median, printTable, readOptions, withServer, writeJson } from './support.mjs';

const options = readOptions('join', { rounds: 6, seconds: 2 }, { rounds: 1, seconds: 1 });

async function join(viewers, ramp) {
  const rounds = [];
  for (let i = 0; i < options.rounds; i++) {
    rounds.push(await withServer(options, (daemon) => load(daemon, [
      ...loads['mix 500 kbit/s'].load, '--viewers', viewers, '--ramp', ramp,
      '--warm-up', 2, '--duration', options.seconds,
    ], options)));
  }
  const pick = (f) => median(rounds.map(f));
  return {
    viewers,
    ramp_s: ramp,
    first_key_frame_p50_ms: pick((r) => r.total.first_key_frame_ms.p50),
    first_key_frame_p95_ms: pick((r) => r.total.first_key_frame_ms.p95),
    connect_p95_ms: pick((r) => r.total.connect_ms.p95),
    keyframe_requests: pick((r) => r.keyframe_requests),
    failed: pick((r) => r.failed_sessions),
    rounds,
  };
}

const results = { join: [] };
for (const [viewers, ramp] of [[100, 1], [500, 1], [500, 0]])
  results.join.push(await join(viewers, ramp));

printTable([
  ['viewers', (row) => row.viewers],
  ['within s', (row) => row.ramp_s],
  ['first key frame p50 ms', (row) => row.first_key_frame_p50_ms.toFixed(1)],
  ['p95 ms', (row) => row.first_key_frame_p95_ms.toFixed(1)],
  ['connect p95 ms', (row) => row.connect_p95_ms.toFixed(1)],
  ['key frame requests', (row) => row.keyframe_requests],
  ['failed', (row) => row.failed],
], results.join);
writeJson(options, results);
