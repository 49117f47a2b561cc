import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attribute, benchAt, sortedStatuses, startBench, VISA } from '../test-bench.ts';

test('a stored card is read back masked, with the CVV masked until it is wiped and absent after', async (t) => {
  const bench = await startBench(t);
  const created = await bench.api('POST', '/cards', {
    card: { ...VISA, card_type: 'visa', expiration_month: '9' },
  });
  assert.equal(created.status, 200);
  const token = attribute(created, 'card_token');
  assert.match(token, /^[0-9a-f]{32}$/);
  const expected = {
    card_token: token,
    card_number: '411111******1111',
    card_type: 'visa',
    cardholder_name: 'Ada Lovelace',
    expiration_month: '09',
    expiration_year: '2048',
  };
  const data = (attributes: object): unknown => ({ data: { id: token, type: 'card', attributes } });
  assert.deepEqual(created.json(), data({ ...expected, service_code: '***' }));
  assert.deepEqual((await bench.api('GET', `/cards/${token}`)).json(), created.json());

  const authorized = await bench.api('POST', `/cards/${token}/authorize`);
  assert.equal(authorized.status, 200);
  assert.deepEqual(authorized.json(), data(expected));
  assert.deepEqual((await bench.api('GET', `/cards/${token}`)).json(), data(expected));
});

test('a repeated authorize wipes once', async (t) => {
  const bench = await startBench(t);
  const token = await bench.card();
  const answers = await Promise.all([1, 2, 3].map(() => bench.api('POST', `/cards/${token}/authorize`)));
  assert.deepEqual(
    answers.map((answer) => answer.status),
    [200, 200, 200],
  );
  assert.equal((await bench.effects('cvv.wiped')).length, 1);
});

test('a deleted card answers 404 everywhere, and of two deletes one succeeds', async (t) => {
  const bench = await startBench(t);
  const token = await bench.card();
  const answers = await Promise.all([1, 2].map(() => bench.api('DELETE', `/cards/${token}`)));
  assert.deepEqual(sortedStatuses(answers), [200, 404]);
  const success = answers.find((answer) => answer.status === 200);
  assert.deepEqual(success?.json(), { success: true });
  assert.equal((await bench.api('GET', `/cards/${token}`)).status, 404);
  assert.equal((await bench.api('POST', `/cards/${token}/authorize`)).status, 404);
  assert.equal((await bench.effects('card.deleted')).length, 1);
});

test('a wipe and a delete at once never bring the card back', async (t) => {
  const bench = await startBench(t);
  for (let round = 0; round < 5; round += 1) {
    const token = await bench.card();
    const [, deleted] = await Promise.all([
      bench.api('POST', `/cards/${token}/authorize`),
      bench.api('DELETE', `/cards/${token}`),
    ]);
    assert.equal(deleted.status, 200);
    assert.equal((await bench.api('GET', `/cards/${token}`)).status, 404);
  }
});

test('a card without a CVV may be stored by a server', async (t) => {
  const bench = await startBench(t);
  const token = await bench.card({ service_code: '' });
  assert.equal((await bench.api('GET', `/cards/${token}`)).text.includes('service_code'), false);
});

test('invalid details are refused with 422 and the field; a broken body with 400', async (t) => {
  const bench = await startBench(t);
  const wrong = await bench.api('POST', '/cards', { card: { ...VISA, card_number: '4111111111111112' } });
  assert.equal(wrong.status, 422);
  assert.deepEqual(wrong.json(), {
    errors: { code: 'validation_error', title: 'Validation Error', details: { card_number: ['is invalid'] } },
  });
  const otherType = await bench.api('POST', '/cards', { card: { ...VISA, card_type: 'amex' } });
  assert.equal(otherType.status, 422);
  assert.match(otherType.text, /card_type/);
  assert.equal((await bench.api('POST', '/cards', { card_number: '4111111111111111' })).status, 400);
  const broken = await bench.http('POST', `${bench.url}/api/v1/cards?api_key=${bench.apiKey}`, '{');
  assert.equal(broken.status, 400);
  assert.equal((await bench.effects('card.created')).length, 0);
});

test('cards of one account do not exist for another', async (t) => {
  const bench = await startBench(t);
  const other = await benchAt(t, bench.url, bench.dataDir);
  const token = await bench.card();
  assert.equal((await other.api('GET', `/cards/${token}`)).status, 404);
  assert.equal((await other.api('DELETE', `/cards/${token}`)).status, 404);
  assert.equal((await other.api('POST', `/cards/${token}/authorize`)).status, 404);
  const send = await other.api(
    'POST',
    `/cards/${token}/send`,
    {},
    { method: 'post', url: 'http://127.0.0.1:1/' },
  );
  assert.equal(send.status, 404);
  assert.deepEqual(send.json(), { errors: { code: 'resource_not_found', title: 'Resource Not Found' } });
  assert.equal((await bench.api('GET', `/cards/${token}`)).status, 200);
});

test('a body above 1 MiB is refused with 413', async (t) => {
  const bench = await startBench(t);
  const big = Buffer.alloc(1024 * 1024 + 1, 'x');
  const answer = await bench.http('POST', `${bench.url}/api/v1/cards?api_key=${bench.apiKey}`, big);
  assert.equal(answer.status, 413);
});
