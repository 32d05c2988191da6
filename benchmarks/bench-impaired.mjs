#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Bad networks: what viewers get of 300 kbit/s of video and of sound when a
// link loses datagrams and takes 100 ms there and back, with each congestion
// control in turn. Downlink: what comes from the server to the viewers passes
// the bad link; uplink: what the publisher sends to the server does. What goes
// the other way, acknowledgements too, does not.
//
// In time is video that came within 300 ms of being sent, of which the link
// takes 100. Sound is missing that neither came nor would have been in what did
// come, if each packet repeated the two frames before it, as ours do.
//
//   ./dev bench impaired [--quick] [--rounds N] [--seconds N] [--json FILE]
import { load, median, printTable, readOptions, withServer, writeJson } from './support.mjs';

const options = readOptions('impaired', { rounds: 6, seconds: 20 }, { rounds: 1, seconds: 8 });
const viewers = 20;
const controls = ['cubic', 'bbr'];
const links = [
  { link: 'downlink', loss_percent: 1 },
  { link: 'downlink', loss_percent: 5 },
  { link: 'downlink', loss_percent: 20 },
  { link: 'uplink', loss_percent: 5 },
];

const round = ({ link, loss_percent, congestion_control }) =>
  withServer(options, (daemon) => load(daemon, [
    '--viewers', viewers, '--loss', loss_percent, '--delay', 100,
    ...(link === 'uplink' ? ['--lossy-uplinks'] : ['--lossy', viewers]),
    '--congestion-control', congestion_control,
    '--video', 'constant', '--video-kbps', 300, '--audio', '--duration', options.seconds,
  ], options), ['--congestion-control', congestion_control]);

const results = {
  impaired: links.flatMap((link) => controls.map((congestion_control) =>
    ({ ...link, congestion_control, rounds: [] }))),
};
// They take turns, so that they see the same machine.
for (let i = 0; i < options.rounds; i++)
  for (const row of results.impaired) row.rounds.push(await round(row));
for (const row of results.impaired) {
  const pick = (f) => median(row.rounds.map((r) => f(r.total)));
  Object.assign(row, {
    video_in_time_percent: pick((t) => 100 * t.video.in_time / t.video.packets_expected),
    video_p95_ms: pick((t) => t.video.latency_ms.p95),
    groups_cut: pick((t) => t.video.gaps.groups_cut),
    audio_packets_lost_percent: pick((t) => t.audio.loss_percent),
    audio_frames_missing_percent: pick((t) =>
      100 * t.audio.frames_missing / t.audio.packets_expected),
  });
}

printTable([
  ['link', (row) => row.link],
  ['loss %', (row) => row.loss_percent],
  ['control', (row) => row.congestion_control],
  ['video in time %', (row) => row.video_in_time_percent.toFixed(2)],
  ['p95 ms', (row) => row.video_p95_ms.toFixed(0)],
  ['groups cut', (row) => row.groups_cut],
  ['audio packets lost %', (row) => row.audio_packets_lost_percent.toFixed(2)],
  ['frames missing %', (row) => row.audio_frames_missing_percent.toFixed(2)],
], results.impaired);
writeJson(options, results);
