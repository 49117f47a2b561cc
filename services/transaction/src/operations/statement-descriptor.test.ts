import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { descriptorParams } from '../providers/stripe/stripe-mapping.ts';
import { makeDue, storedOperation } from '../testing/rows.ts';
import { eur, fingerprint, paymentOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { resolveDue } from './resolve-unknown.ts';

const { PAYMENT_STATUS_PROCESSING, PAYMENT_STATUS_SUCCEEDED } = PaymentStatus;

let world: World;
/** Swept only when a test says so. */
let service: TestService;
before(async () => {
  world = await startWorld();
  service = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 });
});
after(async () => {
  await service.close();
  await world.close();
});
afterEach(async () => await world.stripe.clearFaults());

/** What the statement of each charge of that operation says besides the account's prefix. */
async function suffixesAtStripe(operationId: string): Promise<unknown[]> {
  return (await world.stripe.journal('effect'))
    .filter((line) => line['idempotency_key'] === `centra-${operationId}`)
    .filter((line) => ['charge.succeeded', 'authorization.succeeded'].includes(String(line['effect'])))
    .map((line) => line['statement_descriptor_suffix']);
}

const card = async (hotel: Hotel): Promise<string> =>
  await world.vaultera.card(hotel.vaultKey, '4242424242424242');

test('the hotel’s words reach Stripe with a sale and with a hold, as much of them as fits behind any prefix', async () => {
  const hotel = await world.stripeHotel();
  world.merchant.hotel(hotel.merchantId, { statementDescriptor: 'RIAD ATLAS FES' });
  const sale = saleRequest(hotel, await card(hotel));
  assert.equal(paymentOf(await service.sale(sale)).status, PAYMENT_STATUS_SUCCEEDED);
  assert.deepEqual(await suffixesAtStripe(sale.operationId), ['RIAD ATLAS']);
  const held = saleRequest(hotel, await card(hotel));
  await service.authorize(held);
  assert.deepEqual(await suffixesAtStripe(held.operationId), ['RIAD ATLAS']);
});

test('a payment that was registered first carries the words of the moment when it is paid', async () => {
  const hotel = await world.stripeHotel();
  world.merchant.hotel(hotel.merchantId, { statementDescriptor: 'BEFORE' });
  const { cardToken: _card, returnUrl: _url, paymentId: _id, ...rest } = saleRequest(hotel, '');
  const registered = await service.createPayment({ ...rest, captureMethod: 1, amount: eur(12_500) });
  world.merchant.hotel(hotel.merchantId, { statementDescriptor: 'AFTER' });
  const paymentId = registered.payment?.paymentId ?? '';
  const sale = saleRequest(hotel, await card(hotel), { paymentId, amount: undefined });
  assert.equal(paymentOf(await service.sale(sale)).status, PAYMENT_STATUS_SUCCEEDED);
  assert.deepEqual(await suffixesAtStripe(sale.operationId), ['AFTER']);
});

test('without words nothing is sent, and the account’s own stand', async () => {
  const hotel = await world.stripeHotel();
  const sale = saleRequest(hotel, await card(hotel));
  await service.sale(sale);
  assert.deepEqual(await suffixesAtStripe(sale.operationId), [null]);
});

test('an operation sent again with its key says what it said first, whatever the hotel has set since', async () => {
  const hotel = await world.stripeHotel();
  world.merchant.hotel(hotel.merchantId, { statementDescriptor: 'RIAD ATLAS' });
  const sale = saleRequest(hotel, await card(hotel), { requestFingerprint: fingerprint('again') });
  // Stripe did it and keeps its answer under the key; other parameters with that key would be refused.
  await world.stripe.arm({ fault: 'act_then_drop', path: '/v1/payment_intents', method: 'POST' });
  assert.equal(paymentOf(await service.sale(sale)).status, PAYMENT_STATUS_PROCESSING);
  world.merchant.hotel(hotel.merchantId, { statementDescriptor: 'DAR RIF' });
  await makeDue(world, sale.operationId);
  await resolveDue(service.context);
  const operation = await storedOperation(world, hotel, sale.operationId);
  assert.equal(operation.state, 'succeeded');
  assert.deepEqual(await suffixesAtStripe(sale.operationId), ['RIAD ATLAS']);
  const sent = (await world.stripe.journal('request')).filter(
    (line) =>
      line['path'] === '/v1/payment_intents' && line['idempotency_key'] === `centra-${sale.operationId}`,
  );
  assert.deepEqual([...new Set(sent.map((line) => line['status']))], [200]);
  const next = saleRequest(hotel, await card(hotel));
  await service.sale(next);
  assert.deepEqual(await suffixesAtStripe(next.operationId), ['DAR RIF']);
});

test('what is left after the cut is sent only where Stripe takes it', () => {
  const cases: [string | undefined, string | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['RIAD ATLAS', 'RIAD ATLAS'],
    ['LE GRAND RIAD', 'LE GRAND R'],
    ['CAFE BAR A ROOM', 'CAFE BAR A'],
    ['ROOMS AND & BAR', 'ROOMS AND'],
    ['1234567890 HOTEL', undefined],
    ['12-34 RIAD', '12-34 RIAD'],
    ['RIAD * FES', undefined],
  ];
  for (const [statementDescriptor, suffix] of cases)
    assert.deepEqual(
      descriptorParams(statementDescriptor === undefined ? {} : { statementDescriptor }),
      suffix === undefined ? {} : { statement_descriptor_suffix: suffix },
      statementDescriptor,
    );
});
