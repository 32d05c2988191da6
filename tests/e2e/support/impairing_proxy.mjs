// SPDX-License-Identifier: MIT
// A bad network between clients and a daemon: forwards UDP datagrams, each way
// through a link that may lose them, delay them, and let only so many bits a
// second pass. What clients send from one port is one flow, with links of its
// own that may be changed at any time.
import { createSocket } from 'node:dgram';

const HOST = '127.0.0.1';

// Mulberry32, so that the same datagrams are lost in every run.
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

// One direction. Datagrams come out in the order in which they went in.
class Link {
  #settings = { kbps: 0, queueMs: 250, delayMs: 0, loss: 0 };
  #queue = []; // {due, datagram}
  #freeAt = 0; // when the bottleneck has sent all that it took
  #timer;
  #random;
  #deliver;
  passed = 0;
  lost = 0; // at random, or because the queue was full

  constructor(deliver, seed) {
    this.#deliver = deliver;
    this.#random = random(seed);
  }

  // |kbps| 0: no bottleneck; what would wait before it for longer than
  // |queueMs| is dropped. |loss|: a share. What is not named becomes as at
  // first; datagrams that are on their way keep their time.
  set({ kbps = 0, queueMs = 250, delayMs = 0, loss = 0 } = {}) {
    this.#settings = { kbps, queueMs, delayMs, loss };
    this.#freeAt = 0;
  }

  carry(datagram) {
    const now = performance.now();
    const { kbps, queueMs, delayMs, loss } = this.#settings;
    let due = now;
    if (loss > 0 && this.#random() < loss) {
      this.lost++;
      return;
    }
    if (kbps > 0) {
      const start = Math.max(this.#freeAt, now);
      if (start - now > queueMs) {
        this.lost++;
        return;
      }
      due = this.#freeAt = start + (datagram.length * 8) / kbps;
    }
    due += delayMs;
    const last = this.#queue.at(-1);
    if (!last && due <= now) return this.#pass(datagram);
    this.#queue.push({ due: last ? Math.max(due, last.due) : due, datagram });
    this.#wait();
  }

  close() {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #pass(datagram) {
    this.passed++;
    this.#deliver(datagram);
  }

  #wait() {
    if (this.#timer || this.#queue.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const now = performance.now();
      while (this.#queue.length > 0 && this.#queue[0].due <= now)
        this.#pass(this.#queue.shift().datagram);
      this.#wait();
    }, Math.max(0, this.#queue[0].due - performance.now()));
  }
}

// What one port of a client sends and gets.
class Flow {
  constructor(proxy, client, seed) {
    this.socket = createSocket('udp4');
    const send = (socket, port) => (datagram) => {
      if (!proxy.closed) socket.send(datagram, port, HOST, () => {});
    };
    this.up = new Link((datagram) => send(this.socket, proxy.target)(datagram), seed);
    this.down = new Link(send(proxy.socket, client.port), seed + 1);
    this.socket.on('message', (datagram) => this.down.carry(datagram));
    this.socket.on('error', () => {}); // the daemon is not there: a lost datagram
  }

  close() {
    this.up.close();
    this.down.close();
    this.socket.close();
  }
}

export class ImpairingProxy {
  flows = []; // oldest first
  target = 0; // the daemon's port; what comes before it is known is lost
  closed = false;
  #byPort = new Map();

  // Listens on a port of the kernel's choice.
  static async start() {
    const proxy = new ImpairingProxy();
    proxy.socket = createSocket('udp4');
    await new Promise((resolve, reject) => {
      proxy.socket.once('error', reject);
      proxy.socket.bind(0, HOST, resolve);
    });
    proxy.socket.on('message', (datagram, from) => proxy.#flowOf(from).up.carry(datagram));
    return proxy;
  }

  get url() {
    return `https://${HOST}:${this.socket.address().port}`;
  }

  close() {
    this.closed = true;
    for (const flow of this.flows) flow.close();
    this.socket.close();
  }

  #flowOf(client) {
    let flow = this.#byPort.get(client.port);
    if (!flow) {
      flow = new Flow(this, client, 1 + 2 * this.flows.length);
      this.#byPort.set(client.port, flow);
      this.flows.push(flow);
    }
    return flow;
  }
}
