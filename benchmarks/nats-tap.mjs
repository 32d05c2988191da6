// SPDX-License-Identifier: MIT
// Counts what is published on a broker under some subjects, as a subscriber of
// its own that speaks NATS's protocol by hand.
import net from 'node:net';

export class NatsTap {
  // |subject| may have wildcards.
  static async listen(port, subject) {
    const tap = new NatsTap();
    tap.rest = Buffer.alloc(0);
    tap.reset();
    tap.socket = net.connect(port, '127.0.0.1');
    tap.socket.on('data', (bytes) => tap.#take(bytes));
    tap.socket.write(`CONNECT {"verbose":false}\r\nSUB ${subject} 1\r\nPING\r\n`);
    await new Promise((resolve, reject) => {
      tap.ready = resolve;
      tap.socket.once('error', reject);
    });
    return tap;
  }

  reset() {
    this.times = [];  // of each message, ms
  }

  get messages() {
    return this.times.length;
  }

  // While any came, but for the first second: that begins with what was kept for
  // whoever asked first.
  get perSecond() {
    const times = this.times.filter((time) => time >= this.times[0] + 1000);
    return times.length > 1 ? (1000 * (times.length - 1)) / (times.at(-1) - times[0]) : 0;
  }

  close() {
    this.socket.destroy();
  }

  #take(bytes) {
    let text = Buffer.concat([this.rest, bytes]);
    for (;;) {
      const end = text.indexOf('\r\n');
      if (end < 0) break;
      const words = text.toString('latin1', 0, end).split(' ');
      let next = end + 2;
      if (words[0] === 'MSG' || words[0] === 'HMSG') {
        next += Number(words.at(-1)) + 2;
        if (text.length < next) break;
        this.times.push(performance.now());
      } else if (words[0] === 'PING') {
        this.socket.write('PONG\r\n');
      } else if (words[0] === 'PONG') {
        this.ready();
      }
      text = text.subarray(next);
    }
    this.rest = text;
  }
}
