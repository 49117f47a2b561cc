import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppError } from '@centra/service-kit/errors.ts';
import type { ErrorCode } from '@centra/service-kit/errors.ts';
import { newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';
import { sessionSchema } from './create-session.ts';

describe('GET /v1/session', () => {
  let stand: Stand;
  before(async () => {
    stand = await startWithDoubles();
  });
  after(async () => await stand.close());

  test('200: a capture session of its own for each call, which no cache may keep', async () => {
    const [first, second] = [await stand.call('/v1/session'), await stand.call('/v1/session')];
    assert.equal(first.status, 200);
    assert.equal(first.headers['cache-control'], 'no-store');
    const session = sessionSchema.strict().parse(first.json());
    assert.equal(session.vault, 'vaultera');
    assert.equal(session.iframe_origin, 'https://pci.vaultera.co');
    assert.ok(session.iframe_url.startsWith(session.iframe_origin));
    assert.equal(new Date(session.expires_at).toISOString(), session.expires_at);
    assert.notEqual(second.json()['session_token'], session.session_token);
  });

  test('400, 401, 403, 405: a query, no identity, no scope, another method', async () => {
    // Security-tests row 46: where the vault is, is never the caller's to say.
    assert.equal((await stand.call('/v1/session?url=https://evil.example')).status, 400);
    assert.equal((await stand.call('/v1/session', { as: null })).status, 401);
    assert.equal(
      (await stand.call('/v1/session', { as: newMerchant({ scopes: ['payments:read'] }) })).status,
      403,
    );
    assert.equal((await stand.call('/v1/session', { method: 'POST', body: {} })).status, 405);
  });

  const passedOn: [ErrorCode, number][] = [
    ['provider_account_missing', 422],
    ['provider_credentials_rejected', 422],
    ['provider_unreachable', 503],
    ['internal', 500],
  ];
  for (const [code, status] of passedOn)
    test(`${status} ${code}: transaction's refusal reaches the client`, async () => {
      stand.transaction.faults.push(new AppError(code));
      const answer = await stand.call('/v1/session');
      assert.equal(answer.status, status);
      assert.equal(answer.json()['code'], code);
      assert.equal(answer.headers['retry-after'], status === 503 ? '1' : undefined);
    });
});
