// SPDX-License-Identifier: MIT
// Two servers with one room across them, and everything that may happen to
// them and their brokers. Calls within a server always go on.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Broker, Cable, freePort, startCluster } from './brokers.mjs';
import { Camera, sleep, startNode, Viewer } from './people.mjs';

// A camera and a viewer on a, a viewer on b; b sees the camera.
async function startCall(a, b) {
  const camera = await Camera.start(a, 'camera');
  const near = await Viewer.start(a, 'near');
  const far = await Viewer.start(b, 'far');
  await far.waitFor(() => far.sees('camera') && far.sees('near'));
  await far.waitForMedia();
  await near.waitForMedia();
  return { camera, near, far, people: [far, near, camera] };
}

// After this long without a word the people of a node are gone elsewhere, less
// what a node may have been silent before it lost its broker.
const SHORT_OUTAGE_MS = 2_500;

// Nobody twice there, and nobody gone unless the nodes were apart for long.
function nobodyLeft(viewer, users, outageMs = 0) {
  for (const user of users) {
    const events = viewer.about(user).map((event) => event.event);
    const wanted = outageMs < SHORT_OUTAGE_MS ? ['joined'] : alternating(events.length);
    assert.deepEqual(events, wanted, `${user}, ${outageMs} ms apart: ${events}`);
  }
}

// Joined, and joined again after each time they had left.
function alternating(count) {
  return Array.from({ length: count | 1 }, (_, i) => (i % 2 ? 'left' : 'joined'));
}

// Waits until |nodes|, which lost their broker at |since|, have one again; how
// long that took.
async function reconnected(nodes, since) {
  for (const node of nodes)
    await node.process.waitFor(/nats: not connected(?![\s\S]*nats: not connected)[\s\S]*nats: connected/);
  return Date.now() - since;
}

// What is told here takes time, not work: some go on beside one another, the
// longest first.
const kScenesAtOnce = 3;
const scenes = [];

// Ends everything that |body| started, whatever happens.
function scene(name, body) {
  scenes.push([name, async (t) => {
    const started = [];
    const keep = (...things) => {
      started.push(...things);
      return things[0];
    };
    try {
      await body(keep, t);
    } finally {
      for (const thing of started.reverse()) {
        if (thing.goOn) thing.goOn();
        if (thing.kill) await thing.kill();
        else if (thing.close) thing.close();
        else await thing.stop();
      }
    }
  }]);
}

scene('a partition and its healing: no ghosts, no doubles', async (keep) => {
  const clusterPort = await freePort();
  const first = keep(await Broker.start({ clusterPort, args: ['--no_advertise'] }));
  const cable = keep(await Cable.lay(clusterPort));
  const second = keep(
    await Broker.start({
      clusterPort: await freePort(),
      routes: [`nats://127.0.0.1:${cable.port}`],
      args: ['--no_advertise'],
    }),
  );
  const a = keep(await startNode('a', [first]));
  const b = keep(await startNode('b', [second]));
  const { near, far, people } = await startCall(a, b);
  keep(...people);
  cable.cut();
  await far.waitFor(() => !far.sees('camera') && !far.sees('near'));
  await near.waitFor(() => !near.sees('far'));
  await near.waitForMedia();
  const late = keep(await Viewer.start(b, 'late'));
  cable.mend();
  await far.waitFor(() => far.sees('camera') && far.sees('near'));
  await late.waitFor(() => late.sees('camera') && late.sees('near'));
  await near.waitFor(() => near.sees('far') && near.sees('late'));
  await far.waitForMedia(15_000);
  await late.waitForMedia();
  await sleep(6_000); // one more round of what servers tell each other
  for (const user of ['camera', 'near'])
    assert.deepEqual(
      far.about(user).map((event) => event.event),
      ['joined', 'left', 'joined'],
    );
  nobodyLeft(near, ['camera', 'late']);
  const { result } = await (await fetch(`${a.url}/api/v1/meetings/demo`)).json();
  assert.deepEqual(result.members.map((m) => m.user_id).sort(), ['camera', 'far', 'late', 'near']);
});

scene('a broker that is killed and comes back', async (keep) => {
  const broker = keep(await Broker.start());
  const a = keep(await startNode('a', [broker]));
  const b = keep(await startNode('b', [broker]));
  const { near, far, people } = await startCall(a, b);
  keep(...people);
  const killed = Date.now();
  await broker.kill();
  await Promise.all([a, b].map((node) => node.process.waitFor(/nats: not connected/)));
  await broker.again();
  const outage = await reconnected([a, b], killed);
  await far.waitForMedia();
  nobodyLeft(far, ['camera', 'near'], outage);
  nobodyLeft(near, ['camera', 'far'], outage);

  await broker.kill();
  await near.waitForMedia(); // a call within a node needs no broker
});

scene('the only broker hangs for a while', async (keep) => {
  const broker = keep(await Broker.start());
  const a = keep(await startNode('a', [broker]));
  const b = keep(await startNode('b', [broker]));
  const { near, far, people } = await startCall(a, b);
  keep(...people);
  broker.hang();
  await a.process.waitFor(/nats: not connected/, 3_000);
  await near.waitForMedia();
  broker.goOn();
  await far.waitForMedia(15_000);
  await far.waitFor(() => far.sees('camera') && far.sees('near'));
});

for (const fault of ['kill', 'hang']) {
  scene(`one of three brokers: ${fault}`, async (keep, t) => {
    const brokers = await startCluster(3);
    keep(...brokers);
    const a = keep(await startNode('a', [brokers[0]]));
    const b = keep(await startNode('b', [brokers[1]]));
    const { near, far, people } = await startCall(a, b);
    keep(...people);
    const started = Date.now();
    if (fault === 'kill') await brokers[0].kill();
    else brokers[0].hang();
    await a.process.waitFor(/nats: not connected/, 5_000);
    t.diagnostic(`noticed after ${Date.now() - started} ms`);
    const outage = await reconnected([a], started);
    await far.waitForMedia();
    await near.waitForMedia();
    nobodyLeft(far, ['camera', 'near'], outage);
    nobodyLeft(near, ['camera', 'far'], outage);
  });
}

scene('a server that is killed: its people vanish within 6 s', async (keep, t) => {
  const broker = keep(await Broker.start());
  const a = keep(await startNode('a', [broker]));
  const b = keep(await startNode('b', [broker]));
  const { far, people } = await startCall(a, b);
  keep(...people);
  const killed = Date.now();
  await a.stop('SIGKILL');
  await far.waitFor(() => !far.sees('camera') && !far.sees('near'));
  const took = far.about('camera').at(-1).time_ms - killed;
  t.diagnostic(`gone after ${took} ms`);
  assert.ok(took <= 6_000 && took >= 3_000, `${took} ms`);
});

scene('no broker at the start', async (keep) => {
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  const a = keep(await startNode('a', [url]));
  const b = keep(await startNode('b', [url]));
  const camera = keep(await Camera.start(a, 'camera'));
  const near = keep(await Viewer.start(a, 'near'));
  await near.waitForMedia();
  const far = keep(await Viewer.start(b, 'far'));
  assert.ok(!far.sees('camera'));
  keep(await Broker.start({ port }));
  await far.waitFor(() => far.sees('camera') && far.sees('near'));
  await far.waitForMedia();
  await near.waitForMedia();
  assert.ok(camera.process.exitCode === undefined);
});

describe('servers that are joined', { concurrency: kScenesAtOnce }, () => {
  for (const [name, body] of scenes) test(name, body);
});
