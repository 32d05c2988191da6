// SPDX-License-Identifier: MIT
// A reader who types every command of a page, one after the other. What runs
// on (a server, a camera, a viewer) does so while he types the next, as in
// another terminal; in the end Ctrl-C ends each, and must end it with 0.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Process } from '../e2e/support/process.mjs';
import { commands } from './page.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const build = process.env.VIDEOCALL_BUILD_DIR ?? path.join(root, 'build');
export const serverUrl = 'http://localhost:8080';
const kPatienceMs = 60_000;
const kServer = /dev up|(^|\s)videocalld( |$)/;

// How a command that runs on shows that it works; undefined: it ends by
// itself.
function signOfLife(command) {
  if (/--(help|version|print-config)\b/.test(command)) return undefined;
  if (kServer.test(command)) return /videocall is ready: open /;
  if (/videocall-cli (stream|watch|run)\b/.test(command)) {
    return /offline|--duration/.test(command) ? undefined : /^connected/m;
  }
  if (/^nats-server/.test(command) && !/--signal|-c /.test(command)) return /Server is ready/;
  if (!/gst-launch-1\.0/.test(command)) return undefined;
  if (/videocallsrc/.test(command)) return /Sink.*: caps = video\/x-raw/;
  if (/videocallsink/.test(command)) return /videocall-state.*connected/;
  if (/mode=caller/.test(command)) return /videocall-connected/;
  if (/natssink/.test(command)) return /videocall-nats-state.*connected=\(boolean\)true/;
  if (/natssrc/.test(command)) return /fakesink.*caps = video/;
  if (/webtransport|websocket/.test(command)) return /new-state=\(GstState\)playing/;
  return undefined;
}

// What differs from typing: no minutes of compiling, and placeholders are
// filled in.
async function asTested(command, folder) {
  let text = command
    .replace('meson setup build-release', `meson setup build-release ${root}`)
    .replace('ninja -C build-release', 'ninja -n -C build-release')
    .replace('meson install -C build-release', `meson install -C ${build}`)
    .replace('gst-launch-1.0', 'gst-launch-1.0 --no-fault -v -m');
  if (/TOKEN/.test(text)) text = text.replace('TOKEN', await token());
  return text.replaceAll('~/', `${folder}/home/`);
}

async function token() {
  const answer = await fetch(`${serverUrl}/api/v1/meetings/demo/join`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ display_name: 'reader' }),
  });
  return (await answer.json()).result.room_token;
}

// sudo without a password, below a folder of the reader's own.
const kSudo = `#!/usr/bin/env bash
words=()
for word in "$@"; do
  case $word in
    /etc/* | /var/* | /root/*) word=$DESTDIR$word ;;
  esac
  words+=("$word")
done
mkdir -p "$DESTDIR/etc"
exec "\${words[@]}"
`;

export class Reader {
  constructor() {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'videocall-docs-'));
    for (const name of ['bin', 'home', 'root']) fs.mkdirSync(path.join(this.folder, name));
    for (const name of ['dev', 'packaging']) {
      fs.symlinkSync(path.join(root, name), path.join(this.folder, name));
    }
    fs.writeFileSync(path.join(this.folder, 'bin/sudo'), kSudo, { mode: 0o755 });
    this.environment = {
      PATH: [`${this.folder}/bin`, `${build}/server`, `${build}/cli`, process.env.PATH].join(':'),
      HOME: path.join(this.folder, 'home'),
      DESTDIR: path.join(this.folder, 'root'),
      GST_PLUGIN_PATH: path.join(build, 'plugins'),
      GST_REGISTRY: process.env.GST_REGISTRY ?? path.join(build, 'tests/docs/registry.bin'),
      VIDEOCALL_BUILD_DIR: build,
      VIDEOCALL_SKIP_INSTALL: '1',
      XDG_STATE_HOME: '',
      XDG_CONFIG_HOME: '',
    };
    this.running = [];
  }

  // Runs |command| to its end, or to its sign of life.
  async type(command, { camera = false } = {}) {
    const sign = signOfLife(command);
    const process = new Process('bash', ['-c', await asTested(command, this.folder)], {
      cwd: this.folder,
      env: this.environment,
      detached: true,
    });
    if (!sign) return this.#expect(process, command, 0, /(?:)/);
    this.running.push({ command, process });
    try {
      await process.waitFor(sign, kPatienceMs);
    } catch (error) {
      this.running.pop();
      if (process.exitCode === undefined) kill(process, 'SIGKILL');
      if (!camera || process.exitCode !== 3) throw error;
      await this.#expect(process, command, 3, /camera.*--list-cameras|--video pattern/);
    }
    return process;
  }

  async #expect(process, command, code, pattern) {
    const timer = setTimeout(() => kill(process, 'SIGKILL'), kPatienceMs);
    const exited = await process.exited;
    clearTimeout(timer);
    if (exited !== code || !pattern.test(process.output)) {
      throw new Error(`"${command}" ended with ${exited}, not ${code}:\n${process.output}`);
    }
    return process;
  }

  // What the page counts on and does not start itself: a server, and somebody
  // to be seen and heard in the meeting "demo".
  async prepare(page) {
    const typed = commands(page).filter((c) => !c.notRun).map((c) => c.command);
    const needs = (pattern) => typed.some((c) => pattern.test(c));
    const servers = typed.some((c) => kServer.test(c) && signOfLife(c));
    const usesServer = needs(/localhost:(8080|9464)|TOKEN|videocall-cli (stream|watch|run|loadtest)|videocall(src|sink)/);
    if (servers || !usesServer) return;
    await this.type('videocalld');
    if (needs(/videocallsrc/)) {
      await this.type(
        'videocall-cli stream --meeting-id demo --user-id somebody ' +
          '--video pattern --audio tone -r 320x180',
      );
    }
  }

  // Ctrl-C for all, the last first.
  async leave() {
    const bad = [];
    for (const { command, process } of this.running.splice(0).reverse()) {
      const asked = process.exitCode === undefined;
      if (asked) kill(process, 'SIGINT');
      const timer = setTimeout(() => kill(process, 'SIGKILL'), kPatienceMs);
      const code = await process.exited;
      clearTimeout(timer);
      if (code !== 0) {
        bad.push(`"${command}" ended with ${code}${asked ? ' after Ctrl-C' : ''}:\n${process.output}`);
      }
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
    if (bad.length) throw new Error(bad.join('\n'));
  }
}

// As the terminal does: to everything that the command started.
function kill(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has just ended.
  }
}

export function pages() {
  const list = execFileSync('git', ['ls-files', 'README.md', 'CONTRIBUTING.md', 'docs/*.md'], {
    cwd: root,
    encoding: 'utf8',
  });
  return list.trim().split('\n');
}
