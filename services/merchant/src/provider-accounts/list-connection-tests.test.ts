import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { CredentialCheck } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { z } from 'zod';
import {
  asCaller,
  connectStripe,
  everyCredentialWorks,
  newCaller,
  newHotel,
  startTestMerchant,
  stripeKey,
} from '../test-service.ts';
import type { Caller, TestMerchant } from '../test-service.ts';
import { connectionTestSchema } from './connection-test.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());
afterEach(() => service.transaction.answerWith(everyCredentialWorks));

const PATH = '/v1/provider-accounts';
const pageSchema = z.object({
  data: z.array(connectionTestSchema),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
});
const tests = async (caller: Caller, id: string, query = '') =>
  pageSchema.parse((await caller.get(`${PATH}/${id}/tests${query}`).expect(200)).body);

describe('200', () => {
  test('connecting, rotating and testing are each in the log, also a test that failed, newest first', async () => {
    const { caller } = await newCaller(service);
    const id = await connectStripe(caller);
    await caller
      .post(`${PATH}/${id}/rotate`)
      .send({ credentials: { secret_key: stripeKey() } })
      .expect(200);
    service.transaction.answerWith(() => ({
      result: CredentialCheck.CREDENTIAL_CHECK_REJECTED,
      message: 'Copy the key again.',
    }));
    await caller.post(`${PATH}/${id}/test`).send({}).expect(200);
    const { data, has_more, next_cursor } = await tests(caller, id);
    assert.deepEqual([has_more, next_cursor], [false, null]);
    assert.deepEqual(
      data.map(({ result, version }) => [result, version]),
      [
        ['rejected', 2],
        ['ok', 2],
        ['ok', 1],
      ],
    );
    assert.equal(data[0]?.message, 'Copy the key again.');
    assert.ok(data.every(({ id: of, actor }) => of.startsWith('ct_') && actor.startsWith('api_key:')));
    const { body } = await caller.get(`${PATH}/${id}`).expect(200);
    assert.deepEqual([body.last_test.result, body.last_test.version], ['rejected', 2]);
  });

  test('a refused connection or rotation leaves no line: nothing was saved that it could belong to', async () => {
    const { merchantId, caller } = await newCaller(service);
    const id = await connectStripe(caller);
    service.transaction.answerWith(() => ({ result: CredentialCheck.CREDENTIAL_CHECK_REJECTED }));
    await caller
      .post(`${PATH}/${id}/rotate`)
      .send({ credentials: { secret_key: stripeKey() } })
      .expect(422);
    const count = await service.sql(
      `select count(*)::int as count from connection_tests where merchant_id = $1`,
      [merchantId],
    );
    assert.deepEqual(count, [{ count: 1 }]);
  });

  test('pages run through all of it once, and the newest 200 are kept', async () => {
    const { merchantId, caller } = await newCaller(service);
    const [id, other] = [await connectStripe(caller), await connectStripe(caller)];
    await service.sql(
      `insert into connection_tests (merchant_id, id, provider_account_id, version, result, message, actor, address, request_id)
       select merchant_id, uuidv7(interval '-1 day' + n * interval '1 second'), provider_account_id, 1, 'ok', 'old ' || n, 'x', '', ''
         from connection_tests, generate_series(1, 205) as n
        where merchant_id = $1
          and provider_account_id = (select id from provider_accounts where merchant_id = $1 order by id limit 1)`,
      [merchantId],
    );
    await caller.post(`${PATH}/${id}/test`).send({}).expect(200);
    const seen: string[] = [];
    let query = '?limit=90';
    for (let pages = 0; pages < 5; pages += 1) {
      const page = await tests(caller, id, query);
      seen.push(...page.data.map((each) => each.id));
      if (page.next_cursor === null) break;
      query = `?limit=90&cursor=${page.next_cursor}`;
    }
    assert.deepEqual([seen.length, new Set(seen).size], [200, 200]);
    assert.deepEqual(seen, seen.toSorted().toReversed());
    assert.equal((await tests(caller, other)).data.length, 1);
  });

  test('a deleted account still shows its log', async () => {
    const { caller } = await newCaller(service);
    const id = await connectStripe(caller);
    await caller.delete(`${PATH}/${id}`).expect(200);
    assert.equal((await tests(caller, id)).data.length, 1);
  });
});

describe('refused', () => {
  test('400 for a limit out of range, a cursor nobody answered, and an unknown parameter', async () => {
    const { caller } = await newCaller(service);
    const id = await connectStripe(caller);
    for (const query of ['?limit=0', '?limit=101', '?limit=x', '?cursor=x', '?from=2026-01-01'])
      await caller.get(`${PATH}/${id}/tests${query}`).expect(400);
  });

  test('403 without the permission to read; 404 for another hotel’s account and for a live one with a test key', async () => {
    const { merchantId, caller } = await newCaller(service);
    const id = await connectStripe(caller);
    await asCaller(service, { merchantId, scopes: ['payments:read'] })
      .get(`${PATH}/${id}/tests`)
      .expect(403);
    await asCaller(service, { merchantId: await newHotel(service) })
      .get(`${PATH}/${id}/tests`)
      .expect(404);
    const live = asCaller(service, { merchantId, mode: 'live' });
    const liveId = await connectStripe(live, stripeKey('live'));
    await caller.get(`${PATH}/${liveId}/tests`).expect(404);
    await live.get(`${PATH}/${id}/tests`).expect(200);
  });
});

test('the log holds no secret', async () => {
  const { merchantId, caller } = await newCaller(service);
  const secret = stripeKey();
  const id = await connectStripe(caller, secret);
  await caller.post(`${PATH}/${id}/test`).send({}).expect(200);
  const rows = await service.sql(`select t::text from connection_tests t where merchant_id = $1`, [
    merchantId,
  ]);
  assert.equal(rows.length, 2);
  assert.ok(!JSON.stringify(rows).includes(secret));
});
