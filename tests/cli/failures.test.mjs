// SPDX-License-Identifier: MIT
// What goes wrong between a client and its server, or for want of room, is one
// line with the cause and the remedy, and an exit code (docs/cli.md).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';

import { Daemon } from '../e2e/support/daemon.mjs';
import { Process } from '../e2e/support/process.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'videocall-failures-'));
let daemon;

before(async () => {
  daemon = await Daemon.start();
});
after(async () => {
  await daemon.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

// Ends by itself with |code|; the last line is for people and matches.
async function fails(words, code, line) {
  const cli = new Process(words[0], words.slice(1));
  const timer = setTimeout(() => cli.stop('SIGKILL'), 60_000);
  const exited = await cli.exited;
  clearTimeout(timer);
  assert.equal(exited, code, cli.output);
  const errors = cli.output.split('\n').filter((l) => /^videocall(-cli|d): /.test(l));
  assert.equal(errors.length, 1, cli.output);
  assert.match(errors[0], line);
}

const pattern = (url, meeting, ...more) => [
  ...['videocall-cli', 'stream', '--url', url, '--meeting-id', meeting],
  ...['--user-id', 'u', '--video', 'pattern', '-r', '160x120', ...more],
];

test('a refusal says why', async () => {
  await fails(pattern(daemon.url, 'not a meeting'), 5, /refused: .*1 to 255 of A-Z a-z 0-9/);
});

test('what is no videocall server is said so', async () => {
  await fails(pattern(`${daemon.url}/elsewhere`, 'm'), 5, /no videocall server.*Is the address right/);
});

test('what is none of a few names is told all of them', async () => {
  const loadtest = (...flags) => ['videocall-cli', 'loadtest', ...flags];
  await fails(loadtest('--transport', 'udp'), 2, /"udp" is none of websocket, webtransport/);
  await fails(loadtest('--congestion-control', 'reno'), 2, /"reno" is none of bbr, cubic/);
});

test('a server that is not there is said so', async () => {
  const gone = await Daemon.start();
  await gone.stop();
  await fails(pattern(gone.url, 'm'), 4, /Is the server running, and is the address right\?/);
});

test('a certificate that nobody vouches for is said so', async () => {
  const files = ['cert', 'key'].map((name) => path.join(folder, `${name}.pem`));
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-subj', '/CN=localhost', '-out', files[0], '-keyout', files[1]],
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  const secure = await Daemon.start({ args: ['--tls-certificate', files[0], '--tls-key', files[1]] });
  await fails(pattern(secure.url, 'm'), 6, /certificate.*not trusted.*insecure-skip-verify/);
  assert.equal(await secure.stop(), 0);
});

// |words| with a disk of |kilobytes| at |folder|/full, of which |spare| are
// free.
function onSmallDisk(words, kilobytes, spare = kilobytes) {
  const full = path.join(folder, 'full');
  fs.mkdirSync(full, { recursive: true });
  const script =
    `mount -t tmpfs -o size=${kilobytes}k none "$0" &&\n` +
    `{ [ ${spare} -eq ${kilobytes} ] || head -c ${kilobytes - spare}K /dev/zero >"$0/fill"; } &&\n` +
    'exec "$@"';
  return ['unshare', '--map-root-user', '--mount', 'sh', '-c', script, full, ...words];
}
const noDisks =
  spawnSync('unshare', ['--map-root-user', '--mount', 'true']).status !== 0 &&
  'this system lets nobody mount';

test('a full disk ends a recording with what it has', { skip: noDisks }, async () => {
  const camera = new Process('videocall-cli', pattern(daemon.url, 'film', '--audio', 'tone').slice(1));
  await camera.waitFor(/^connected/m);
  const watch = ['videocall-cli', 'watch', '--url', daemon.url, '--meeting-id', 'film', '--user-id', 'r'];
  await fails(
    onSmallDisk([...watch, '--record', path.join(folder, 'full/films')], 100),
    9,
    /the disk is full: make room/,
  );
  assert.equal(await camera.stop('SIGINT'), 0);
});

test('a server without room for its state is said so', { skip: noDisks }, async () => {
  const words = [
    ...['videocalld', '--state-dir', path.join(folder, 'full/state')],
    ...['--listen-http', '127.0.0.1:0', '--listen-webtransport', '127.0.0.1:0'],
  ];
  for (const spare of [0, 8, 20]) {
    await fails(onSmallDisk(words, 1024, spare), 1, /state.*the disk is full: make room/);
  }
});
