// SPDX-License-Identifier: MIT
// Servers that are joined, and people on them: cameras and viewers that tell
// what they see, all videocall-cli.
import { Daemon } from '../e2e/support/daemon.mjs';
import { Process } from '../e2e/support/process.mjs';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function startNode(id, brokers, args = []) {
  const urls = brokers.map((broker) => broker.url ?? broker);
  return Daemon.start({ args: ['--node-id', id, '--nats-url', urls.join(','), ...args] });
}

export class Camera {
  static async start(node, user, meeting = 'demo') {
    const camera = new Camera();
    camera.process = new Process('videocall-cli', [
      ...['stream', '--url', node.url, '--meeting-id', meeting, '--user-id', user],
      ...['--video', 'pattern', '-r', '160x120'],
    ]);
    await camera.process.waitFor(/^connected/m);
    return camera;
  }
  stop() {
    return this.process.stop('SIGINT');
  }
}

export class Viewer {
  static async start(node, user, meeting = 'demo') {
    const viewer = new Viewer();
    viewer.process = new Process('videocall-cli', [
      ...['watch', '--url', node.url, '--meeting-id', meeting, '--user-id', user],
      ...['--show', 'none', '--json'],
    ]);
    await viewer.waitFor((events) => events.some((event) => event.event === 'status'));
    return viewer;
  }

  get events() {
    return this.process.output
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  }
  // The events about |user|: "joined", "left", in order.
  about(user) {
    return this.events.filter((event) => event.user_id === user);
  }
  sees(user) {
    return this.about(user).at(-1)?.event === 'joined';
  }

  async waitFor(condition, timeoutMs = 20_000) {
    const deadline = Date.now() + timeoutMs;
    while (!condition(this.events)) {
      if (Date.now() > deadline || this.process.exitCode !== undefined)
        throw new Error(`not within ${timeoutMs} ms: ${condition}\n${this.process.output}`);
      await sleep(50);
    }
  }

  // Media comes now: more in each of the next two seconds than silence is.
  async waitForMedia(timeoutMs) {
    const before = this.events.filter((event) => event.event === 'status').length;
    await this.waitFor((events) => {
      const bytes = events.filter((e) => e.event === 'status').map((e) => e.bytes);
      const fresh = bytes.slice(before);
      return fresh.length >= 3 && fresh.at(-1) > fresh.at(-2) && fresh.at(-2) > fresh.at(-3);
    }, timeoutMs);
  }

  stop() {
    return this.process.stop('SIGINT');
  }
}
