#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// What a viewer costs: server CPU per delivered GB against the floor of the same
// run, delay, memory a session, time to the first key frame. The server runs
// on core 0, the load on core 1.
//
//   ./dev bench fanout [--quick] [--rounds N] [--seconds N] [--json FILE]
import {
  floor, load, loads, median, printTable, readOptions, withServer, writeJson,
} from './support.mjs';

const options = readOptions('fanout', { rounds: 6, seconds: 10 }, { rounds: 1, seconds: 4 });

async function fanout({ name, rooms, viewers }) {
  const rounds = [];
  for (let i = 0; i < options.rounds; i++) {
    const relay = await withServer(options, (daemon) => load(daemon, [
      ...loads[name].load, '--rooms', rooms, '--viewers', viewers,
      '--duration', options.seconds,
    ], options));
    const least = floor([...loads[name].floor, '--viewers', rooms * viewers,
      '--seconds', options.seconds], options);
    rounds.push({
      relay, floor: least,
      floor_ratio: relay.server.core_s_per_gb / least.core_s_per_gb,
    });
  }
  const pick = (f) => median(rounds.map(f));
  return {
    load: name,
    rooms,
    viewers,
    core_s_per_gb: pick((r) => r.relay.server.core_s_per_gb),
    floor_core_s_per_gb: pick((r) => r.floor.core_s_per_gb),
    floor_ratio: pick((r) => r.floor_ratio),
    delay_p50_ms: pick((r) => r.relay.total.latency_ms.p50),
    delay_p99_ms: pick((r) => r.relay.total.latency_ms.p99),
    received: pick((r) => 1 - r.relay.total.loss_percent / 100),
    rounds,
  };
}

const mix = 'mix 500 kbit/s';
const video = '1.5 Mbit/s';
const plan = [
  { name: mix, rooms: 1, viewers: 100 },
  { name: mix, rooms: 1, viewers: 500 },
  { name: mix, rooms: 1, viewers: 1000, long: true },
  { name: mix, rooms: 100, viewers: 8, long: true },
  { name: video, rooms: 1, viewers: 500 },
  { name: video, rooms: 1, viewers: 1000, long: true },
  { name: video, rooms: 100, viewers: 8, long: true },
].filter((row) => !(options.quick && row.long));

const results = { fanout: [] };
for (const row of plan) results.fanout.push(await fanout(row));
results.idle = await withServer(options, (daemon) =>
  load(daemon, ['--publishers', 0, '--viewers', 500, '--ramp', 5, '--duration', 1], options));

printTable([
  ['load', (row) => row.load],
  ['rooms', (row) => row.rooms],
  ['viewers', (row) => row.viewers],
  ['core-s/GB', (row) => row.core_s_per_gb.toFixed(2)],
  ['floor', (row) => row.floor_core_s_per_gb.toFixed(2)],
  ['ratio', (row) => row.floor_ratio.toFixed(2)],
  ['p50 ms', (row) => row.delay_p50_ms.toFixed(2)],
  ['p99 ms', (row) => row.delay_p99_ms.toFixed(2)],
  ['received %', (row) => (100 * row.received).toFixed(2)],
], results.fanout);
console.log(`resident per idle session: ${results.idle.server.kb_per_session.toFixed(0)} kB`);
writeJson(options, results);
