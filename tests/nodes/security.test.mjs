// SPDX-License-Identifier: MIT
// A server and its broker: encrypted, and who may in; what is wrong is said
// once, with what to do.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { Accounts } from './accounts.mjs';
import { Broker } from './brokers.mjs';
import { sleep, startNode } from './people.mjs';

const folder = mkdtempSync(join(tmpdir(), 'videocall-security-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const file = (name) => join(folder, name);
const write = (name, text) => {
  writeFileSync(file(name), text);
  return file(name);
};

function openssl(...args) {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
const kNewKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
for (const ca of ['ca', 'stranger'])
  openssl('req', '-x509', ...kNewKey, '-keyout', file(`${ca}.key`), '-out', file(`${ca}.pem`),
    '-days', '2', '-subj', `/CN=${ca}`);
openssl('req', ...kNewKey, '-keyout', file('broker.key'), '-out', file('broker.csr'), '-subj', '/CN=broker');
openssl('x509', '-req', '-in', file('broker.csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'),
  '-CAcreateserial', '-out', file('broker.pem'), '-days', '2',
  '-extfile', write('names', 'subjectAltName=IP:127.0.0.1\n'));

const kTls = ['--tls', '--tlscert', file('broker.pem'), '--tlskey', file('broker.key')];

// The server says |what| of |broker|, reached by |user| in the URL and |args|,
// and does not repeat itself: the same again only after something else, as when
// a broker on a busy machine seems to hang for a moment.
async function says(what, broker, scheme, user, args) {
  const url = `${scheme}://${user}127.0.0.1:${broker.options.port}`;
  const node = await startNode('a', [url], args);
  try {
    await node.process.waitFor(what);
    await sleep(1_000); // several more attempts
    const { output } = node.process;
    const lines = [...output.matchAll(/ (nats: .*)/g)].map(([, line]) => line);
    assert.ok(lines.every((line, i) => line !== lines[i - 1]), output);
    assert.ok(!/secret|wrong-one/.test(output), output);
  } finally {
    await node.stop();
  }
}

function scene(name, brokerArgs, body) {
  test(name, async () => {
    const broker = await Broker.start({ args: brokerArgs() });
    try {
      await body((what, scheme, user, ...args) => says(what, broker, scheme, user, args));
    } finally {
      await broker.kill();
    }
  });
}

const kNotAccepted =
  /nats: not connected.*does not accept who this is \(.*\): check user and password, or the credentials file/;

describe('a broker that does not let everybody in', { concurrency: 3 }, () => {
  const password = () => [...kTls, '--user', 'relay', '--pass', 'secret'];
  scene('TLS and a password', password, async (says) => {
    const ca = ['--nats-ca', file('ca.pem')];
    await says(/nats: connected server=tls:\/\/127/, 'tls', 'relay:secret@', ...ca);
    await says(kNotAccepted, 'tls', 'relay:wrong-one@', ...ca);
  });

  scene('a certificate of a stranger', password, async (says) => {
    for (const ca of [['--nats-ca', file('stranger.pem')], []])
      await says(/nats: not connected.*TLS with the server failed \(.*issuer.*\): check that .* from an authority in the CA file/,
        'tls', 'relay:secret@', ...ca);
  });

  scene('TLS wanted where there is none', () => [], async (says) => {
    await says(/the server does no TLS: give it a certificate, or write nats:\/\/ for tls:\/\//,
      'tls', '', '--nats-ca', file('ca.pem'));
  });

  const accounts = new Accounts();
  const configuration = () => ['--config', write('accounts.conf', accounts.configuration)];
  scene('a credentials file', configuration, async (says) => {
    const good = write('good.creds', accounts.newUser());
    await says(/nats: connected/, 'nats', '', '--nats-credentials', good);
    const stranger = write('stranger.creds', new Accounts().newUser());
    await says(kNotAccepted, 'nats', '', '--nats-credentials', stranger);
    await says(kNotAccepted, 'nats', '');
  });

  test('nobody there', () =>
    says(/no server answers at nats:\/\/127\.0\.0\.1:1: check the address, and that it runs/,
      { options: { port: 1 } }, 'nats', 'relay:secret@', []));
});
