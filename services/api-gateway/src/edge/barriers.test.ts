import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { createCredentials } from '../testing/credentials.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { bearer, call } from '../testing/http-call.ts';
import type { Answer } from '../testing/http-call.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import { createPerson, logIn, setMember } from '../testing/real-person.ts';
import { startUpstream } from '../testing/upstream-double.ts';
import type { UpstreamDouble } from '../testing/upstream-double.ts';

// The promise of row 25.
const BITES_MS = 5_000;

let auth: RealAuth;
let upstream: UpstreamDouble;
let gateway: TestGateway;
before(async () => {
  auth = await startRealAuth();
  upstream = await startUpstream();
  const limits = { LIMIT_UNAUTHENTICATED_PER_MINUTE: '1000000', LIMIT_DEFAULT_PER_SECOND: '1000000' };
  gateway = await startTestGateway(auth, { paymentApi: upstream.url, merchant: upstream.url }, limits);
});
after(async () => {
  await gateway.close();
  await upstream.close();
  await auth.stop();
});

const at = async (path: string, credential: string): Promise<Answer> =>
  await call(gateway.url + path, { headers: bearer(credential) });

/** Waits until the status is that one, and for no longer than promised. */
async function bites(path: string, credential: string, status: number): Promise<Answer> {
  const startedAt = performance.now();
  const answer = await waitFor(`${path} to be ${status}`, async () => {
    const each = await at(path, credential);
    return each.status === status ? each : undefined;
  });
  assert.ok(performance.now() - startedAt < BITES_MS);
  return answer;
}

async function suspend(merchantId: string, suspended: boolean): Promise<void> {
  await callUnary(
    auth.client.setMerchantAccess.bind(auth.client),
    { merchantId, suspended, reason: suspended ? 'unpaid' : '', actor: 'service:operator' },
    { metadata: callMetadata('req-suspend'), deadlineMs: 20_000 },
  );
}

describe('row 25: within 5 s', () => {
  test('a suspended hotel’s keys and people are 403, their own account stays open, and it is let in again', async () => {
    const { merchantId, key, token } = await createCredentials(auth);
    for (const credential of [key.secret, token])
      assert.equal((await at('/v1/payments', credential)).status, 200);
    await suspend(merchantId, true);
    for (const credential of [key.secret, token])
      assert.equal((await bites('/v1/payments', credential, 403)).json['code'], 'access_suspended');
    assert.equal((await at('/v1/auth/sessions', token)).status, 200);
    await suspend(merchantId, false);
    for (const credential of [key.secret, token]) await bites('/v1/payments', credential, 200);
  });

  test('a cut role is 403 with the permission that is missing', async () => {
    const { merchantId, owner } = await createCredentials(auth);
    const person = await createPerson(auth, { merchantId, role: 'manager' });
    const token = await logIn(auth, person, merchantId);
    assert.equal((await at('/v1/providers', token)).status, 200);
    await setMember(auth, { email: person.email, merchantId, role: 'staff' });
    const refused = await bites('/v1/providers', token, 403);
    assert.equal(refused.json['required_scope'], 'provider_accounts:read');
    assert.equal((await at('/v1/payments', token)).status, 200);
    assert.equal((await at('/v1/providers', await logIn(auth, owner, merchantId))).status, 200);
  });

  test('a removed person is 401 at the hotel', async () => {
    const { merchantId, token } = await createCredentials(auth);
    const person = await createPerson(auth, { merchantId, role: 'manager' });
    const removed = await logIn(auth, person, merchantId);
    assert.equal((await at('/v1/payments', removed)).status, 200);
    const path = `/v1/users/${person.userId}`;
    const answer = await call(gateway.url + path, { method: 'DELETE', headers: bearer(token) });
    assert.equal(answer.status, 204, answer.text);
    await bites('/v1/payments', removed, 401);
  });

  test('who logged out is 401 everywhere', async () => {
    const { token } = await createCredentials(auth);
    assert.equal((await at('/v1/auth/sessions', token)).status, 200);
    const answer = await call(`${gateway.url}/v1/auth/logout`, { method: 'POST', headers: bearer(token) });
    assert.equal(answer.status, 204, answer.text);
    await bites('/v1/auth/sessions', token, 401);
    await bites('/v1/payments', token, 401);
  });
});

test('what a key asked is counted for its hotel, also what was asked just before the gateway stopped', async () => {
  const { key, token } = await createCredentials(auth);
  const own = await startTestGateway(auth, { paymentApi: upstream.url });
  for (let index = 0; index < 3; index += 1)
    assert.equal((await call(`${own.url}/v1/payments`, { headers: bearer(key.secret) })).status, 200);
  await own.close();
  const usage = await waitFor('the use to be written', async () => {
    const { json } = await at(`/v1/api-keys/${key.id}/usage`, token);
    const [day] = Array.isArray(json['data']) ? json['data'] : [];
    return day === undefined ? undefined : day;
  });
  assert.equal(usage.requests, 3);
});
