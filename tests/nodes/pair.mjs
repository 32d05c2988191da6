// SPDX-License-Identifier: MIT
// Two servers that share their keys, joined by a nats-server: each can be
// restarted where it was while the other serves.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Daemon } from '../e2e/support/daemon.mjs';
import { Broker, freePort } from './brokers.mjs';

// Long enough for everybody to move.
const kDrainSeconds = 10;

export class Pair {
  static async start(args = []) {
    const pair = new Pair();
    pair.folder = mkdtempSync(join(tmpdir(), 'videocall-pair-'));
    pair.broker = await Broker.start();
    pair.args = args;
    pair.places = [];
    pair.nodes = [];
    for (const id of ['a', 'b']) {
      pair.places.push({
        id,
        stateDir: join(pair.folder, id),
        http: `127.0.0.1:${await freePort()}`,
        webtransport: `127.0.0.1:${await freePort()}`,
      });
      await pair.#startNode(pair.places.length - 1);
    }
    return pair;
  }

  get urls() {
    return this.nodes.map((node) => node.url);
  }

  // As an operator does it: asks |index| to stop, waits until its people have
  // gone, and starts it anew. Its exit code.
  async restart(index) {
    const code = await this.nodes[index].process.stop();
    await this.#startNode(index);
    return code;
  }

  // Who a newcomer of |meeting| that asks |index| is sent to: "HOST:PORT".
  async leadsTo(index, meeting) {
    const answer = await fetch(`${this.urls[index]}/api/v1/meetings/${meeting}/join`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ display_name: 'probe' }),
    });
    if (answer.status !== 200) return answer.status;
    const { transports } = (await answer.json()).result;
    return new URL(transports.find(({ kind }) => kind === 'webtransport').url).host;
  }

  // Until together() the two hear nothing of each other, so each keeps those
  // of |meetings| who ask it.
  async apart(meetings) {
    await this.broker.kill();
    for (const meeting of meetings)
      while (!(await this.#eachKeeps(meeting))) await sleep(100);
  }
  together() {
    return this.broker.again();
  }

  async stop() {
    for (const node of this.nodes) await node.process.stop('SIGKILL');
    await this.broker.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  // A connection that fetch() has kept may be that of a server before its restart.
  async #eachKeeps(meeting) {
    try {
      return (await this.leadsTo(0, meeting)) !== (await this.leadsTo(1, meeting));
    } catch {
      return false;
    }
  }

  async #startNode(index) {
    const { id, stateDir, http, webtransport } = this.places[index];
    this.nodes[index] = await Daemon.start({
      stateDir, http, webtransport, drainTimeout: kDrainSeconds,
      args: [
        ...['--node-id', id, '--nats-url', this.broker.url],
        ...['--token-key-file', join(this.folder, 'token.key')],
        ...['--resume-key-file', join(this.folder, 'resume.key')],
        ...['--join-rate', '0', '--max-cpu', '0', ...this.args],
      ],
    });
  }
}
