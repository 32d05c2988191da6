// SPDX-License-Identifier: MIT
// Every command of README.md and the documentation works as it stands there.
// How a page marks what cannot be run: page.mjs.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { blocks, commands } from './page.mjs';
import { pages, Reader, root } from './reader.mjs';

// As few as possible.
const kMostNotRun = 9;

async function type(reader, text, log) {
  await reader.prepare(text);
  for (const { command, line, notRun, camera } of commands(text)) {
    if (notRun) {
      log(`line ${line}: not run, ${notRun}: ${command}`);
      continue;
    }
    const started = Date.now();
    await reader.type(command, { camera }).catch((error) => {
      throw new Error(`line ${line}: ${error.message}`);
    });
    log(`line ${line}: ${Date.now() - started} ms: ${command}`);
  }
}

// The first failure is told: what follows from it would hide it.
async function read(text, log = () => {}) {
  const reader = new Reader();
  const failures = [];
  await type(reader, text, log).catch((error) => failures.push(error));
  await reader.leave().catch((error) => failures.push(error));
  if (failures.length) throw failures[0];
}

const texts = new Map(
  pages().map((page) => [page, fs.readFileSync(path.join(root, page), 'utf8')]),
);

for (const [page, text] of texts) {
  // The search for commands that are not fenced is a test for every page.
  if (commands(text).length === 0) continue;
  test(page, async (t) => read(text, (line) => t.diagnostic(line)));
}

test('links between pages lead somewhere', () => {
  const dead = [];
  for (const [page, text] of texts) {
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      const file = path.join(root, path.dirname(page), target);
      if (!fs.existsSync(file)) dead.push(`${page}: ${target}`);
    }
  }
  assert.deepEqual(dead, []);
});

test('few commands are not run', () => {
  const marked = [...texts.values()].flatMap((text) => blocks(text).filter((b) => b.notRun));
  assert.ok(marked.length <= kMostNotRun, `${marked.length} blocks are marked "not run"`);
});

test('a command that fails, that there is not, or that ends badly is noticed', async () => {
  const page = (command) => `\`\`\`sh\n${command}\n\`\`\`\n`;
  for (const [command, complaint] of [
    ['false', /line 2: .*ended with 1/],
    ['no-such-command --help', /ended with 127/],
    ['gst-launch-1.0 fakesrc num-buffers=1 ! no-such-element', /no-such-element/],
    ['videocalld --help; kill -9 $$', /SIGKILL/],
    ['echo videocall is ready: open this; exec sleep 100 # videocalld', /after Ctrl-C/],
  ]) {
    await assert.rejects(read(page(command)), complaint, command);
  }
  await read(page('true'));
});

test('commands that would be overlooked are noticed', () => {
  assert.throws(() => commands('    ./dev up\n'), /line 1: put commands/);
  assert.throws(() => commands('<!-- not run: why -->\ntext\n'), /line 2: no block/);
  assert.throws(() => commands('```sh\ntrue\n'), /has no end/);
  assert.deepEqual(
    commands('```sh\n# a remark\na \\\n  b\n\nc\n```\n').map((c) => [c.command, c.line]),
    [['a   b', 4], ['c', 6]],
  );
});
