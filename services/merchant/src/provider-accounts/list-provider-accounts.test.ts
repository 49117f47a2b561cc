import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  asCaller,
  connectStripe,
  newCaller,
  newHotel,
  startTestMerchant,
  stripeKey,
} from '../test-service.ts';
import type { Caller, TestMerchant } from '../test-service.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const PATH = '/v1/provider-accounts';
const idsOf = (body: { data: { id: string }[] }): string[] => body.data.map(({ id }) => id);

async function connectMany(caller: Caller, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) ids.unshift(await connectStripe(caller));
  return ids;
}

test('pages are newest first, meet without gap or repetition, and end', async () => {
  const { caller } = await newCaller(service);
  const ids = await connectMany(caller, 5);
  const first = (await caller.get(`${PATH}?limit=2`).expect(200)).body;
  assert.deepEqual([idsOf(first), first.has_more], [ids.slice(0, 2), true]);
  const second = (await caller.get(`${PATH}?limit=2&cursor=${first.next_cursor}`).expect(200)).body;
  assert.deepEqual([idsOf(second), second.has_more], [ids.slice(2, 4), true]);
  const third = (await caller.get(`${PATH}?limit=2&cursor=${second.next_cursor}`).expect(200)).body;
  assert.deepEqual([idsOf(third), third.has_more, third.next_cursor], [ids.slice(4), false, null]);
  const all = (await caller.get(PATH).expect(200)).body;
  assert.deepEqual([idsOf(all), all.has_more, all.next_cursor], [ids, false, null]);
});

test('each item is what reading it alone answers', async () => {
  const { caller } = await newCaller(service);
  const [id] = await connectMany(caller, 1);
  await caller
    .post(`${PATH}/${id}/rotate`)
    .send({ credentials: { secret_key: stripeKey() } })
    .expect(200);
  const [item] = (await caller.get(PATH)).body.data;
  assert.deepEqual(item, (await caller.get(`${PATH}/${id}`)).body);
  assert.equal(item.version, 2);
});

test('a hotel sees its own accounts only, whatever cursor it sends', async () => {
  const a = await newCaller(service);
  const b = await newCaller(service);
  await connectMany(a.caller, 2);
  const own = await connectMany(b.caller, 1);
  const { next_cursor: foreign } = (await a.caller.get(`${PATH}?limit=1`)).body;
  assert.deepEqual(idsOf((await b.caller.get(PATH)).body), own);
  const page = (await b.caller.get(`${PATH}?cursor=${foreign}`).expect(200)).body;
  assert.ok(idsOf(page).every((id) => own.includes(id)));
});

test('a test key sees test accounts only; a live key sees both, or the mode it asks for', async () => {
  const merchantId = await newHotel(service);
  const live = asCaller(service, { merchantId, mode: 'live' });
  const inTest = asCaller(service, { merchantId });
  const liveId = await connectStripe(live, stripeKey('live'));
  const testId = await connectStripe(inTest);
  assert.deepEqual(idsOf((await inTest.get(PATH)).body), [testId]);
  assert.deepEqual(idsOf((await inTest.get(`${PATH}?mode=test`)).body), [testId]);
  await inTest.get(`${PATH}?mode=live`).expect(403);
  assert.deepEqual(idsOf((await live.get(PATH)).body), [testId, liveId]);
  assert.deepEqual(idsOf((await live.get(`${PATH}?mode=live`)).body), [liveId]);
  assert.deepEqual(idsOf((await live.get(`${PATH}?mode=test`)).body), [testId]);
});

describe('reading one', () => {
  test('404 for another hotel’s, another mode’s, an unknown and a malformed id; 400 for a query', async () => {
    const merchantId = await newHotel(service);
    const liveId = await connectStripe(asCaller(service, { merchantId, mode: 'live' }), stripeKey('live'));
    const { caller: foreign } = await newCaller(service);
    const foreignId = await connectStripe(foreign);
    const caller = asCaller(service, { merchantId });
    for (const id of [liveId, foreignId, 'pa_01jd0000000000000000000000', 'pa_zzz', '%ff', '..%2Ftest'])
      assert.equal((await caller.get(`${PATH}/${id}`).expect(404)).body.code, 'not_found');
    await foreign.get(`${PATH}/${foreignId}?expand=secret`).expect(400);
    await foreign.get(`${PATH.toUpperCase()}/${foreignId}`).expect(404);
    await foreign.patch(`${PATH}/${foreignId}`).send({}).expect(405);
  });

  test('401 without identity and 403 without the scope', async () => {
    const { merchantId, caller } = await newCaller(service);
    const id = await connectStripe(caller);
    const writer = asCaller(service, { merchantId, scopes: ['provider_accounts:write'] });
    for (const path of [PATH, `${PATH}/${id}`, '/v1/providers']) {
      await writer.get(path).expect(403);
      const answer = await fetch(`http://127.0.0.1:${service.service.httpPort}${path}`);
      assert.equal(answer.status, 401);
    }
  });
});

describe('400', () => {
  const queries = [
    'limit=0',
    'limit=101',
    'limit=1e6',
    'limit=-1',
    'limit=',
    'limit=2&limit=3',
    'cursor=x',
    'cursor=',
    'mode=all',
    'merchant_id=x',
  ];
  for (const query of queries)
    test(query, async () => {
      const { caller } = await newCaller(service);
      const refused = await caller.get(`${PATH}?${query}`).expect(400);
      assert.equal(refused.body.errors[0].field, query.split('=')[0]);
    });
});

test('what can be connected is described for a form: fields, words and patterns that the service itself uses', async () => {
  const { caller } = await newCaller(service);
  const { body } = await caller.get('/v1/providers').expect(200);
  assert.deepEqual(
    body.data.map((provider: { name: string; kind: string; modes: string[]; fields: { name: string }[] }) => [
      provider.name,
      provider.kind,
      provider.modes,
      provider.fields.map(({ name }) => name),
    ]),
    [
      ['stripe', 'card_provider', ['test', 'live'], ['secret_key', 'publishable_key', 'webhook_secret']],
      ['paypal', 'wallet', ['test', 'live'], ['client_id', 'client_secret', 'webhook_id']],
      [
        'payzone',
        'hosted_page',
        ['test', 'live'],
        ['merchant_account', 'caller_name', 'caller_password', 'paywall_secret_key', 'notification_key'],
      ],
      ['cmi', 'hosted_page', ['test', 'live'], ['client_id', 'store_key', 'api_user', 'api_password']],
      ['tempo', 'stablecoin', ['test', 'live'], ['receiving_address', 'token']],
      ['vaultera', 'card_vault', ['test', 'live'], ['api_key']],
      ['simulator', 'card_provider', ['test'], []],
    ],
  );
  const [secretKey] = body.data[0].fields;
  assert.match(stripeKey(), new RegExp(secretKey.pattern));
  assert.deepEqual([secretKey.secret, secretKey.required], [true, true]);
  await caller.get('/v1/providers?x=1').expect(400);
});
