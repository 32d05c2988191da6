// SPDX-License-Identifier: MIT
// One room across three servers that NATS joins: each person is on another
// one, and sees and hears those on the others.
import assert from 'node:assert/strict';

import { Broker } from '../nodes/brokers.mjs';
import { startNode } from '../nodes/people.mjs';
import { Person } from './support/call.mjs';
import { Chromium } from './support/chromium.mjs';
import { scenario } from './support/cleanup.mjs';
import { Firefox } from './support/firefox.mjs';
import { Process } from './support/process.mjs';

const stop = (thing) => thing.stop();

async function membersAt(node) {
  const { result } = await (await fetch(`${node.url}/api/v1/meetings/spread`)).json();
  return result.members.map(({ display_name: name }) => name).sort();
}

scenario('a room across three servers', async (later) => {
  const broker = later(await Broker.start(), (b) => b.kill());
  const nodes = await Promise.all(
    ['one', 'two', 'three'].map(async (id) => later(await startNode(id, [broker]), stop)),
  );
  later(
    new Process('videocall-cli', [
      'stream', '--url', nodes[2].url, '--meeting-id', 'spread',
      '--user-id', 'cam', '--debug-send-test-pattern', '--audio', 'tone',
      '--tone-hz', '523', '--resolution', '320x180',
    ]),
    (p) => p.stop('SIGINT'),
  );
  const [chromium, firefox] = await Promise.all([
    Chromium.launch({ toneHz: 440 }).then((b) => later(b)),
    Firefox.launch({ toneHz: 880 }).then((b) => later(b)),
  ]);
  const [anna, fritz] = await Promise.all([
    Person.join(chromium, nodes[0], 'spread', 'Anna'),
    Person.join(firefox, nodes[1], 'spread', 'Fritz'),
  ]);

  await Promise.all([
    anna.seesClockOf('cam'), anna.seesColourOf('Fritz'),
    fritz.seesClockOf('cam'), fritz.seesClockOf('Anna'),
  ]);
  await Promise.all([
    anna.hears('cam', 523), anna.hears('Fritz', 880),
    fritz.hears('cam', 523), fritz.hears('Anna', 440),
  ]);
  for (const node of nodes)
    assert.deepEqual(await membersAt(node), ['Anna', 'Fritz', 'cam']);
});
