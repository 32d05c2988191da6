#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Whether one slow viewer (200 kbit/s) among 100 is felt by the others, and what
// it gets itself. Rounds with and without it take turns.
//
//   ./dev bench slow [--quick] [--rounds N] [--seconds N] [--json FILE]
import { load, median, printTable, readOptions, withServer, writeJson } from './support.mjs';

const options = readOptions('slow', { rounds: 6, seconds: 10 }, { rounds: 1, seconds: 5 });

const round = (slow) => withServer(options, (daemon) => load(daemon, [
  '--viewers', 100, '--slow', slow, '--slow-kbps', 200, '--audio',
  '--layers', 2, '--layer-kbps', '100,500', '--temporal-layers', 3,
  '--duration', options.seconds,
], options));

const results = { rounds: [] };
for (let i = 0; i < options.rounds; i++)
  results.rounds.push({ without: await round(0), with: await round(1) });
const others = (run) => run.classes.steady.latency_ms.p99;
const pick = (f) => median(results.rounds.map(f));
Object.assign(results, {
  others_p99_ms_without: pick((r) => others(r.without)),
  others_p99_ms_with: pick((r) => others(r.with)),
  ratio: pick((r) => others(r.with) / others(r.without)),
  slow_audio_missing_percent: pick((r) => r.with.classes.slow.audio.loss_percent),
  slow_video_received: pick((r) => r.with.classes.slow.video.packets_received),
  server_kb_more: pick((r) => r.with.server.max_resident_kb - r.without.server.max_resident_kb),
});

printTable([
  ['what', ([what]) => what],
  ['figure', ([, figure]) => figure],
], [
  ["others' p99 without it, ms", results.others_p99_ms_without.toFixed(2)],
  ["others' p99 with it, ms", results.others_p99_ms_with.toFixed(2)],
  ['median ratio', results.ratio.toFixed(3)],
  ['its sound missing, %', results.slow_audio_missing_percent.toFixed(2)],
  ['its pictures received', results.slow_video_received],
  ['server memory more, kB', results.server_kb_more.toFixed(0)],
]);
writeJson(options, results);
