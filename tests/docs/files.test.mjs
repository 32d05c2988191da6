// SPDX-License-Identifier: MIT
// The files that docs/operations.md shows or names are accepted by the
// programs that are to read them, and what is installed runs from where it is.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';

import { Process } from '../e2e/support/process.mjs';
import { blocks } from './page.mjs';
import { build, root } from './reader.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'videocall-docs-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));

const operations = blocks(fs.readFileSync(path.join(root, 'docs/operations.md'), 'utf8'));

function shown(language) {
  const found = operations.filter((block) => block.language === language);
  assert.ok(found.length > 0, `no ${language} in docs/operations.md`);
  return found.map((block) => block.text);
}

// Its output; a failure shows it.
function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000, ...options });
  const output = `${done.stdout}${done.stderr}`;
  assert.equal(done.status, 0, `${command} ${args.join(' ')}: ${done.error ?? output}`);
  return output;
}

function has(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

function certificate() {
  const names = { cert: path.join(folder, 'meet.pem'), key: path.join(folder, 'meet.key') };
  run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
    ...['-nodes', '-days', '1', '-subj', '/CN=meet.example.org'],
    ...['-addext', 'subjectAltName=DNS:meet.example.org'],
    ...['-keyout', names.key, '-out', names.cert],
  ]);
  return names;
}

// They take minutes, so each is but asked whether it knows what it is given.
test('the benchmarks take the options that the documents give them', () => {
  const page = fs.readFileSync(path.join(root, 'docs/performance.md'), 'utf8');
  const commands = [...page.matchAll(/`\.\/dev bench ([^`]+)`/g)].map((found) => found[1]);
  assert.ok(commands.length > 10, `${commands.length} commands`);
  for (const command of commands) {
    const [name, ...args] = command.split(' ');
    run('node', [path.join(root, `benchmarks/bench-${name}.mjs`), ...args, '--help']);
  }
});

test('the configurations are accepted', () => {
  for (const [index, text] of shown('toml').entries()) {
    const file = path.join(folder, `${index}.toml`);
    fs.writeFileSync(file, text);
    run(`${build}/server/videocalld`, ['--config', file, '--print-config']);
  }
});

// nginx serves the page and the API over HTTPS with the configuration shown.
test('nginx takes its configuration and serves', { skip: !has('nginx') && 'no nginx' }, async () => {
  const { cert, key } = certificate();
  const server = shown('nginx')[0]
    .replace('listen 443 ssl', 'listen 127.0.0.1:18443 ssl')
    .replace('/etc/ssl/certs/meet.pem', cert)
    .replace('/etc/ssl/private/meet.key', key)
    .replace('127.0.0.1:8080', '127.0.0.1:18080');
  const file = path.join(folder, 'nginx.conf');
  fs.writeFileSync(
    file,
    `${process.getuid() === 0 ? 'user root; ' : ''}pid ${folder}/nginx.pid; error_log stderr; daemon off; events {}\n` +
      `http { access_log off;\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
        .join(' ')}\n${server}}\n`,
  );
  run('nginx', ['-t', '-e', 'stderr', '-c', file]);

  const toml = path.join(folder, 'proxy.toml');
  fs.writeFileSync(toml, shown('toml').find((text) => /behind-proxy/.test(text)));
  const daemon = new Process(`${build}/server/videocalld`, [
    ...['--config', toml, '--state-dir', path.join(folder, 'proxy')],
    ...['--listen-http', '127.0.0.1:18080', '--listen-webtransport', '127.0.0.1:0'],
  ]);
  const nginx = new Process('nginx', ['-e', 'stderr', '-c', file]);
  try {
    await daemon.waitFor(/videocall is ready: open https:\/\/meet\.example\.org/);
    const curl = ['-sf', '--cacert', cert, '--retry', '20', '--retry-connrefused', '--retry-delay', '0']
      .concat('--resolve', 'meet.example.org:18443:127.0.0.1', '-D', '-');
    const page = run('curl', [...curl, 'https://meet.example.org:18443/']);
    assert.match(page, /<!doctype html>/i);
    const join = run('curl', [
      ...curl,
      ...['-H', 'Content-Type: application/json', '-d', '{"display_name": "Ada"}'],
      'https://meet.example.org:18443/api/v1/meetings/demo/join',
    ]);
    assert.match(join, /set-cookie: .*Secure/i);
    assert.match(join, /"url":\s*"https:\/\/meet\.example\.org:\d+\/meet\/demo"/);
  } finally {
    await nginx.stop();
    assert.equal(await daemon.stop(), 0);
  }
});

test('systemd takes the unit', { skip: !has('systemd-analyze') && 'no systemd' }, () => {
  const unit = fs
    .readFileSync(path.join(root, 'packaging/systemd/videocalld.service'), 'utf8')
    .replace('/usr/bin/videocalld', `${build}/server/videocalld`);
  const file = path.join(folder, 'videocalld.service');
  fs.writeFileSync(file, unit);
  assert.equal(run('systemd-analyze', ['verify', '--man=no', file]), '');
});

test('what is installed runs from where it is', async () => {
  const place = path.join(folder, 'installed');
  run('meson', ['install', '--no-rebuild', '-C', build, '--destdir', place]);
  const bin = execFileSync('find', [place, '-name', 'bin', '-type', 'd'], { encoding: 'utf8' }).trim();
  // Nothing that helps to find anything.
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: folder,
    GST_REGISTRY: path.join(folder, 'registry.bin'),
    GST_REGISTRY_FORK: 'no',
    LD_LIBRARY_PATH: '',
    GST_PLUGIN_PATH: '',
    VIDEOCALL_PIPELINES: '',
  };
  const bare = ['-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  assert.match(run('env', [...bare, `${bin}/videocall-cli`, 'pipelines', 'list']), /stream/);
  const encoded = run('env', [
    ...[...bare, `${bin}/videocall-cli`, 'stream', '--debug-send-test-pattern'],
    ...['--debug-offline-streaming-test', '--duration', '2', '-r', '160x120'],
  ]);
  assert.match(encoded, /leaving/);
  const daemon = new Process('env', [
    ...[...bare, `${bin}/videocalld`, '--state-dir', path.join(folder, 'state')],
    ...['--listen-http', '127.0.0.1:0', '--listen-webtransport', '127.0.0.1:0'],
  ]);
  await daemon.waitFor(/videocall is ready/);
  const loaded = fs.readFileSync(`/proc/${daemon.pid}/maps`, 'utf8');
  for (const name of ['libvideocall.so', 'libgstvideocall.so']) {
    assert.match(loaded, new RegExp(`${place}/.*${name}`));
  }
  assert.equal(await daemon.stop(), 0);
});
