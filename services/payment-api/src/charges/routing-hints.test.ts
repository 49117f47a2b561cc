import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { chargeBody, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';

let stand: Stand;
before(async () => {
  stand = await startWithDoubles();
});
after(async () => await stand.close());

const DOORS = ['/v1/charge', '/v1/payments'];

/** What transaction was told with the last request. */
function hintsTold(): unknown {
  return Object(Object(stand.transaction.calls.at(-1)?.request).options).routingHints;
}

for (const door of DOORS)
  describe(`POST ${door}`, () => {
    test('what is known of card and guest goes to transaction; what is not is empty', async () => {
      const known = { card: { brand: 'visa', country: 'FR' }, guest: { country: 'MA' } };
      assert.equal((await stand.post(door, `${door} all`, chargeBody(known))).status, 201);
      assert.deepEqual({ ...Object(hintsTold()) }, { cardBrand: 'visa', cardCountry: 'FR', country: 'MA' });
      await stand.post(door, `${door} country`, chargeBody({ guest: { name: 'Ada', country: 'MA' } }));
      assert.deepEqual({ ...Object(hintsTold()) }, { cardBrand: '', cardCountry: '', country: 'MA' });
    });

    test('without any, and with empty ones, no hints are told', async () => {
      for (const [index, body] of [{}, { card: {} }, { guest: { name: 'Ada' } }].entries()) {
        assert.equal((await stand.post(door, `${door} none-${index}`, chargeBody(body))).status, 201);
        assert.equal(hintsTold(), undefined);
      }
    });

    test('422: the same key with other hints is another request', async () => {
      await stand.post(door, `${door} hinted`, chargeBody({ card: { brand: 'visa' } }));
      for (const body of [{}, { card: { brand: 'amex' } }, { card: { brand: 'visa', country: 'FR' } }]) {
        const other = await stand.post(door, `${door} hinted`, chargeBody(body));
        assert.deepEqual([other.status, other.json()['code']], [422, 'idempotency_key_reused']);
      }
    });

    test('400: brands and countries of another spelling, and anything else of a card', async () => {
      const cases: [body: Record<string, unknown>, field: string][] = [
        [{ card: { brand: 'VISA' } }, 'card.brand'],
        [{ card: { brand: 'unheard' } }, 'card.brand'],
        [{ card: { country: 'fr' } }, 'card.country'],
        [{ card: { country: 'FRA' } }, 'card.country'],
        [{ guest: { country: 'Morocco' } }, 'guest.country'],
        [{ card: { last4: '4242' } }, 'card.last4'],
      ];
      const callsBefore = stand.transaction.calls.length;
      for (const [body, field] of cases) {
        const refused = await stand.post(door, `${door} wrong`, chargeBody(body));
        assert.equal(refused.status, 400, refused.bytes.toString());
        assert.deepEqual(refused.errorFields(), [field]);
      }
      assert.equal(stand.transaction.calls.length, callsBefore);
    });

    test('422: a card number where hints belong goes nowhere', async () => {
      const callsBefore = stand.transaction.calls.length;
      const refused = await stand.post(
        door,
        `${door} pan`,
        chargeBody({ card: { brand: '4242424242424242' } }),
      );
      assert.deepEqual([refused.status, refused.json()['code']], [422, 'card_data_not_allowed']);
      assert.equal(stand.transaction.calls.length, callsBefore);
    });
  });
