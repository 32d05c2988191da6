// SPDX-License-Identifier: MIT
// Child processes that a test starts: their output is kept, lines can be
// waited for, and none outlives the test.
import { spawn } from 'node:child_process';

const running = new Set();

// For a program of somebody else's that loads our sanitized plugin. It leaks
// by itself, too, and is in C: the C++ library has to be there before the
// sanitizer looks for it.
function sanitizerEnv(command) {
  const preload = process.env.VIDEOCALL_E2E_PRELOAD;
  if (!preload || !command.startsWith('gst-')) return {};
  return {
    LD_PRELOAD: `${preload}:libstdc++.so.6`,
    ASAN_OPTIONS: 'detect_leaks=0',
  };
}

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Process {
  constructor(command, args, options = {}) {
    this.name = command.split('/').pop();
    this.output = '';
    this.waiters = [];
    this.child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
      env: { ...process.env, ...sanitizerEnv(command), ...options.env },
    });
    running.add(this.child);
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => {
        running.delete(this.child);
        this.exitCode = code ?? signal;
        resolve(this.exitCode);
        this.#wake();
      });
      this.child.on('error', (error) => {
        this.output += String(error);
        running.delete(this.child);
        this.exitCode = 'not started';
        resolve(this.exitCode);
        this.#wake();
      });
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        this.output += text;
        this.#wake();
      });
    }
  }

  get pid() {
    return this.child.pid;
  }

  // The match of |pattern| in the output, once it is there.
  async waitFor(pattern, timeoutMs = 30_000) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const match = this.output.match(pattern);
      if (match) return match;
      if (this.exitCode !== undefined || Date.now() > deadline) {
        throw new Error(
          `${this.name} ` +
            (this.exitCode !== undefined
              ? `ended with ${this.exitCode}`
              : `said nothing for ${timeoutMs} ms`) +
            ` before ${pattern}; it printed:\n${this.output}`,
        );
      }
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, Math.max(1, deadline - Date.now()));
        this.waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  // Asks with |signal|, insists with SIGKILL; the exit code.
  async stop(signal = 'SIGTERM', timeoutMs = 20_000) {
    if (this.exitCode === undefined) this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), timeoutMs);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  #wake() {
    const waiters = this.waiters;
    this.waiters = [];
    for (const wake of waiters) wake();
  }
}
