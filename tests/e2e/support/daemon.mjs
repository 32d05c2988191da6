// SPDX-License-Identifier: MIT
// A videocalld of the test's own: ports of the kernel's choice, an empty state
// directory.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Process } from './process.mjs';

export class Daemon {
  // |options|: stateDir and http ("ADDR:PORT") to start again where another
  // daemon was; args for further flags.
  static async start(options = {}) {
    const daemon = new Daemon();
    daemon.ownsState = !options.stateDir;
    daemon.stateDir =
      options.stateDir ?? mkdtempSync(join(tmpdir(), 'videocall-e2e-'));
    daemon.process = new Process('videocalld', [
      '--listen-http', options.http ?? '127.0.0.1:0',
      '--listen-webtransport', options.webtransport ?? '127.0.0.1:0',
      '--listen-admin', '127.0.0.1:0',
      '--state-dir', daemon.stateDir,
      '--drain-timeout', String(options.drainTimeout ?? 2),
      ...(options.args ?? []),
    ]);
    const match = await daemon.process.waitFor(/(https?:\/\/[^\s/]+:\d+)\//);
    daemon.url = match[1];
    daemon.webtransportPort = Number(
      daemon.process.output.match(/relay: listening port=(\d+)/)?.[1]);
    return daemon;
  }

  get http() {
    return new URL(this.url).host;
  }

  meeting(id, user) {
    return user
      ? `${this.url}/meeting/${user}/${id}`
      : `${this.url}/meeting/${id}`;
  }

  async stop(signal) {
    const code = await this.process.stop(signal);
    if (this.ownsState) rmSync(this.stateDir, { recursive: true, force: true });
    return code;
  }
}
