import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VaulteraError } from '../replies.ts';
import { guardedLookup, targetOf } from './target.ts';

const OPEN = { allowLoopbackTargets: true, allowedTargetHosts: ['stripe-simulator', 'psp:8443'] };
const STRICT = { allowLoopbackTargets: false, allowedTargetHosts: [] };

function accepts(url: string, policy: typeof OPEN): boolean {
  try {
    targetOf({ query: new URLSearchParams({ method: 'post', url }) }, policy);
    return true;
  } catch (error) {
    assert.ok(error instanceof VaulteraError && error.status === 400);
    return false;
  }
}

const CASES: [string, boolean, boolean][] = [
  // url, accepted on a developer's machine, accepted without loopback targets
  ['https://api.stripe.com/v1/payment_methods', true, true],
  ['https://8.8.8.8/', true, true],
  ['http://api.stripe.com/', false, false],
  ['http://127.0.0.1:4000/', true, false],
  ['http://localhost:4000/', true, false],
  ['http://[::1]:4000/', true, false],
  ['http://2130706433/', true, false],
  ['https://127.0.0.1/', true, false],
  ['http://stripe-simulator:4000/', true, false],
  ['http://psp:8443/', true, false],
  ['http://psp:9999/', false, false],
  ['https://10.1.2.3/', false, false],
  ['https://172.31.0.1/', false, false],
  ['https://192.168.1.1/', false, false],
  ['https://100.100.100.200/', false, false],
  ['https://169.254.169.254/latest/meta-data', false, false],
  ['https://0xa9fea9fe/', false, false],
  ['https://0.0.0.0/', false, false],
  ['https://224.0.0.1/', false, false],
  ['https://[fd00::1]/', false, false],
  ['https://[fe80::1]/', false, false],
  ['https://[::ffff:10.0.0.1]/', false, false],
  ['https://[64:ff9b::a00:1]/', false, false],
  ['https://[::]/', false, false],
  ['https://user:secret@api.stripe.com/', false, false],
  ['file:///etc/passwd', false, false],
];

for (const [url, open, strict] of CASES) {
  test(`${url} is ${open ? 'accepted' : 'refused'}, and ${strict ? 'accepted' : 'refused'} without loopback`, () => {
    assert.equal(accepts(url, OPEN), open);
    assert.equal(accepts(url, STRICT), strict);
  });
}

async function resolves(name: string, addresses: string[], policy: typeof OPEN): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const found = addresses.map((address) => ({ address, family: 4 }));
  const lookup = guardedLookup(policy, (_name, _options, done) => done(null, found));
  lookup(name, { all: true }, (error) => resolve(error === null));
  return promise;
}

test('a public name that resolves to a private address is refused when it is connected to', async () => {
  assert.equal(await resolves('pay.example', ['93.184.216.34'], STRICT), true);
  assert.equal(await resolves('pay.example', ['10.0.0.7'], OPEN), false);
  assert.equal(await resolves('pay.example', ['93.184.216.34', '169.254.169.254'], OPEN), false);
  assert.equal(await resolves('pay.example', ['127.0.0.1'], STRICT), false);
  assert.equal(await resolves('localhost', ['127.0.0.1'], OPEN), true);
  assert.equal(await resolves('stripe-simulator', ['10.0.0.7'], OPEN), true);
});
