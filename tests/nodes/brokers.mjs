// SPDX-License-Identifier: MIT
// Real nats-servers of a test's own, and a cable between two that can be cut.
import net from 'node:net';

import { Process } from '../e2e/support/process.mjs';

// Outside the range from which the kernel takes the ports of connections:
// what is free now is so until the broker is there, and when it comes again.
const kFirstPort = 12_000;
const kLastPort = 32_000;
const taken = new Set();

export async function freePort() {
  for (;;) {
    const port = kFirstPort + Math.floor(Math.random() * (kLastPort - kFirstPort));
    if (taken.has(port)) continue;
    const server = net.createServer().listen(port, '127.0.0.1');
    const free = await new Promise((resolve) => {
      server.once('listening', () => resolve(true));
      server.once('error', () => resolve(false));
    });
    if (!free) continue;
    taken.add(port);
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

export class Broker {
  // |options|: port to start again where another was; clusterPort and routes
  // to be one of several; args for further flags.
  static async start(options = {}) {
    const broker = new Broker();
    broker.options = { ...options, port: options.port ?? (await freePort()) };
    await broker.again();
    return broker;
  }

  async again() {
    const { port, clusterPort, routes, args } = this.options;
    const cluster = clusterPort
      ? ['--cluster_name', 'test', '--cluster', `nats://127.0.0.1:${clusterPort}`]
      : [];
    if (routes?.length) cluster.push('--routes', routes.join(','));
    this.process = new Process('nats-server', [
      ...['--addr', '127.0.0.1', '--port', String(port)],
      ...cluster,
      ...(args ?? []),
    ]);
    await this.process.waitFor(/Server is ready/);
  }

  get url() {
    return `nats://127.0.0.1:${this.options.port}`;
  }

  hang() {
    this.process.child.kill('SIGSTOP');
  }
  goOn() {
    this.process.child.kill('SIGCONT');
  }
  async kill() {
    await this.process.stop('SIGKILL');
  }
}

// |count| brokers that know each other.
export async function startCluster(count) {
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`);
  return Promise.all(ports.map((clusterPort) => Broker.start({ clusterPort, routes })));
}

// What connects to |port| reaches |target|, until it is cut.
export class Cable {
  static async lay(target) {
    const cable = new Cable();
    cable.sockets = new Set();
    cable.whole = true;
    cable.server = net.createServer((near) => {
      if (!cable.whole) {
        near.destroy();
        return;
      }
      const far = net.connect(target, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ]) {
        cable.sockets.add(from);
        from.on('error', () => {});
        from.on('close', () => {
          cable.sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    cable.server.listen(0, '127.0.0.1');
    await new Promise((resolve) => cable.server.once('listening', resolve));
    cable.port = cable.server.address().port;
    return cable;
  }

  cut() {
    this.whole = false;
    for (const socket of this.sockets) socket.destroy();
  }
  mend() {
    this.whole = true;
  }
  close() {
    this.cut();
    this.server.close();
  }
}
