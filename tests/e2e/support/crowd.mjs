// SPDX-License-Identifier: MIT
// Native clients in meetings, and what they notice of a restart; see
// tests/e2e/crowd.cpp.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const build = process.env.VIDEOCALL_BUILD_DIR ??
  join(dirname(fileURLToPath(import.meta.url)), '../../../build');
const kPatienceMs = 30_000;

export class Crowd {
  // |urls|: one server's, or a list.
  static async start(urls, rooms, people, transport = 'webtransport') {
    const crowd = new Crowd();
    crowd.size = rooms * people;
    crowd.child = spawn(join(build, 'tests/e2e/crowd'), [urls, rooms, people, transport].map(String), {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    crowd.exited = new Promise((resolve) => crowd.child.on('exit', resolve));
    crowd.lines = createInterface({ input: crowd.child.stdout })[Symbol.asyncIterator]();
    const { value } = await crowd.lines.next();
    if (value !== 'ready') throw new Error(`the crowd said ${value}`);
    return crowd;
  }

  // What happened since the last call.
  async ask() {
    this.child.stdin.write('\n');
    const { value, done } = await this.lines.next();
    if (done) throw new Error('the crowd has ended');
    return JSON.parse(value);
  }

  // Runs |restart| and waits until |moved| have connected again and all hear
  // something; what they noticed: {gaps_ms, lost, left, resumed}.
  async during(restart, moved = this.size) {
    await this.ask();
    await restart();
    const sum = { gaps_ms: [], lost: 0, left: 0, resumed: 0 };
    const deadline = Date.now() + kPatienceMs;
    for (let calm = 0; calm < 3; ) {
      await sleep(100);
      const now = await this.ask();
      sum.gaps_ms = now.gaps_ms.map((gap, i) => Math.max(gap, sum.gaps_ms[i] ?? 0));
      sum.lost = now.lost;
      sum.left += now.left;
      sum.resumed += now.resumed;
      const back = now.others === 0 && sum.resumed >= moved && Math.max(...now.gaps_ms) < 200;
      calm = back ? calm + 1 : 0;
      if (Date.now() > deadline)
        throw new Error(`after ${kPatienceMs} ms: ${JSON.stringify({ ...now, ...sum })}`);
    }
    return sum;
  }

  // Whatever it does.
  stop() {
    this.child.kill('SIGKILL');
    return this.exited;
  }

  async leave() {
    this.child.stdin.end();
    return this.exited;
  }
}
