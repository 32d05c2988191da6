// SPDX-License-Identifier: MIT
// What `nsc` makes: an operator, an account and users of a nats-server, each
// an Ed25519 key (an "nkey") with a signed JWT.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';

const kOperator = 14 << 3;
const kAccount = 0;
const kUser = 20 << 3;
const kSeed = 18 << 3;
const kPrivateHeader = Buffer.from('302e020100300506032b657004220420', 'hex');

function base32(bytes) {
  let text = '';
  let bits = 0;
  let window = 0;
  for (const byte of bytes) {
    window = (window << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5)
      text += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[(window >> (bits - 5)) & 31];
    window &= 0xff;
  }
  return bits > 0 ? text + 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[(window << (5 - bits)) & 31] : text;
}

// CRC-16/XMODEM, the low byte first.
function withChecksum(bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; ++i) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return base32(Buffer.from([...bytes, crc & 0xff, crc >> 8]));
}

class Key {
  constructor(prefix) {
    const { privateKey } = generateKeyPairSync('ed25519');
    const secret = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
    this.private = createPrivateKey({
      key: Buffer.concat([kPrivateHeader, secret]), format: 'der', type: 'pkcs8',
    });
    const raw = createPublicKey(this.private).export({ format: 'der', type: 'spki' }).subarray(-32);
    this.id = withChecksum([prefix, ...raw]);
    this.seed = withChecksum([kSeed | (prefix >> 5), (prefix & 31) << 3, ...secret]);
  }

  // Says |nats| of |subject|.
  jwt(subject, name, nats) {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = [
      part({ typ: 'JWT', alg: 'ed25519-nkey' }),
      part({
        jti: name, iat: Math.floor(Date.now() / 1000), iss: this.id, name, sub: subject.id,
        nats: { ...nats, version: 2 },
      }),
    ].join('.');
    return `${text}.${sign(null, Buffer.from(text), this.private).toString('base64url')}`;
  }
}

const kNoLimits = { subs: -1, data: -1, payload: -1 };

export class Accounts {
  constructor() {
    this.operator = new Key(kOperator);
    this.account = new Key(kAccount);
  }

  // The configuration of a server that lets this account's users in.
  get configuration() {
    const account = this.operator.jwt(this.account, 'account', {
      type: 'account',
      limits: { ...kNoLimits, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
    });
    return `operator: ${this.operator.jwt(this.operator, 'operator', { type: 'operator' })}
resolver: MEMORY
resolver_preload: { ${this.account.id}: ${account} }
`;
  }

  // The credentials file of a new user.
  newUser() {
    const user = new Key(kUser);
    const jwt = this.account.jwt(user, 'user', { type: 'user', ...kNoLimits });
    return `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${user.seed}
------END USER NKEY SEED------
`;
  }
}
