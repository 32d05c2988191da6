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

// What the server says of |broker|, reached by |user| in the URL and |args|.
async function said(broker, scheme, user, args) {
  const url = `${scheme}://${user}127.0.0.1:${broker.options.port}`;
  const node = await startNode('a', [url], args);
  try {
    const [line] = await node.process.waitFor(/nats: (connected|not connected).*/);
    await sleep(1_000); // several more attempts
    const { output } = node.process;
    assert.equal(output.match(/ nats: /g).length, 1, output);
    assert.ok(!/secret|wrong-one/.test(output), output);
    return line;
  } finally {
    await node.stop();
  }
}

function scene(name, brokerArgs, body) {
  test(name, async () => {
    const broker = await Broker.start({ args: brokerArgs() });
    try {
      await body((scheme, user, ...args) => said(broker, scheme, user, args));
    } finally {
      await broker.kill();
    }
  });
}

describe('a broker that does not let everybody in', { concurrency: 3 }, () => {
  scene('TLS and a password', () => [...kTls, '--user', 'relay', '--pass', 'secret'], async (connect) => {
    const ca = ['--nats-ca', file('ca.pem')];
    assert.match(await connect('tls', 'relay:secret@', ...ca), /nats: connected server=tls:\/\/127/);
    assert.match(await connect('tls', 'relay:wrong-one@', ...ca),
      /does not accept who this is \(Authorization Violation\): check user and password, or the cred/);
  });

  scene('a certificate of a stranger', () => [...kTls, '--user', 'relay', '--pass', 'secret'], async (connect) => {
    for (const ca of [['--nats-ca', file('stranger.pem')], []])
      assert.match(await connect('tls', 'relay:secret@', ...ca),
        /TLS with the server failed \(.*issuer.*\): check that .* from an authority in the CA file/);
  });

  scene('TLS wanted where there is none', () => [], async (connect) => {
    assert.match(await connect('tls', '', '--nats-ca', file('ca.pem')),
      /the server does no TLS: give it a certificate, or write nats:\/\/ for tls:\/\//);
  });

  const accounts = new Accounts();
  const configuration = () => ['--config', write('accounts.conf', accounts.configuration)];
  scene('a credentials file', configuration, async (connect) => {
    const good = write('good.creds', accounts.newUser());
    assert.match(await connect('nats', '', '--nats-credentials', good), /nats: connected/);
    const stranger = write('stranger.creds', new Accounts().newUser());
    for (const args of [['--nats-credentials', stranger], []])
      assert.match(await connect('nats', '', ...args),
        /does not accept who this is .*: check user and password, or the credentials file/);
  });

  test('nobody there', async () => {
    const broker = { options: { port: 1 } };
    assert.match(await said(broker, 'nats', 'relay:secret@', []),
      /no server answers at nats:\/\/127\.0\.0\.1:1: check the address, and that it runs/);
  });
});
