import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { chargesAtStripe, countRows, keysSentToStripe, storedOperation } from '../testing/rows.ts';
import { paymentOf, refusalOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';

const TIMEOUT_MS = 4_000;
const SEND = '/api/v1/cards/[^/]+/send';

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { providerTimeoutMs: TIMEOUT_MS, operationLeaseMs: 9_000 });
});
after(async () => {
  await service.close();
  await world.close();
});
afterEach(async () => await world.vaultera.clearFaults());

describe('a card that did not reach Stripe for sure was not charged: the sale is released, and repeated it charges once', () => {
  const cases: [name: string, fault: { fault: string } & Record<string, unknown>][] = [
    ['the vault cuts the connection', { fault: 'drop_before_act' }],
    ['the vault hands over and cuts the connection', { fault: 'target_acts_then_drop' }],
    ['the vault hands over and answers 504', { fault: 'target_acts_then_timeout' }],
    ['the vault answers 500', { fault: 'error_before' }],
    ['the vault hands over and answers 500', { fault: 'error_after' }],
    ['the vault is at its rate limit', { fault: 'rate_limit' }],
    ['a page of HTML comes back', { fault: 'html_error' }],
    ['the vault hands over and a page of HTML comes back', { fault: 'html_error', act: true }],
    ['the answer ends in the middle', { fault: 'truncated_body' }],
    ['the answer comes after our timeout', { fault: 'answer_late', delay_ms: TIMEOUT_MS + 1_000 }],
    ['the answer drips for ever', { fault: 'slow_drip', bytes_per_second: 50 }],
  ];
  for (const [name, fault] of cases)
    test(name, async () => {
      const hotel = await world.stripeHotel();
      const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
      await world.vaultera.arm({ path: SEND, ...fault });
      const refused = await refusalOf(service.sale(request));
      assert.equal(refused.error.code, 'provider_unreachable');
      assert.deepEqual(
        await keysSentToStripe(world, request.operationId),
        [],
        'the charge was not asked for',
      );
      assert.equal((await storedOperation(world, hotel, request.operationId)).state, 'prepared');
      const payment = paymentOf(await service.sale(request));
      assert.equal(payment.status, PaymentStatus.PAYMENT_STATUS_SUCCEEDED);
      assert.equal(await chargesAtStripe(world, request.operationId), 1);
    });
});

describe('what the vault refuses ends the payment with its reason, uncharged', () => {
  const cases: [name: string, fault: { fault: string }, code: string][] = [
    ['a token that is gone', { fault: 'card_not_found' }, 'card_token_invalid'],
    ['our vault key refused', { fault: 'revoked_credential' }, 'provider_credentials_rejected'],
  ];
  for (const [name, fault, code] of cases)
    test(name, async () => {
      const hotel = await world.stripeHotel();
      const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
      await world.vaultera.arm({ path: SEND, ...fault });
      const payment = paymentOf(await service.sale(request));
      assert.deepEqual([payment.status, payment.failure?.code], [PaymentStatus.PAYMENT_STATUS_FAILED, code]);
      assert.deepEqual(await keysSentToStripe(world, request.operationId), []);
      assert.equal((await service.sale(request)).replayed, true);
      assert.equal(await chargesAtStripe(world, request.operationId), 0);
    });

  test('a hotel without a card vault', async () => {
    const hotel = await world.stripeHotel();
    world.merchant.disconnect(hotel.vaultAccountId);
    const refused = await refusalOf(service.sale(saleRequest(hotel, 'a-token')));
    assert.equal(refused.error.code, 'provider_account_missing');
    assert.deepEqual(await countRows(world, hotel), {
      payments: 0,
      operations: 0,
      payment_events: 0,
      outbox: 0,
    });
  });
});

test('a charge whose reply was lost, repeated while the vault misbehaves, is never made twice', async () => {
  for (const fault of [
    'target_acts_then_drop',
    'card_not_found',
    'revoked_credential',
    'html_error',
    'cvv_wiped',
  ]) {
    const hotel = await world.stripeHotel();
    const request = saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, '4242424242424242'));
    await world.stripe.arm({ fault: 'act_then_drop', path: '/v1/payment_intents' });
    const first = paymentOf(await service.sale(request));
    assert.equal(first.status, PaymentStatus.PAYMENT_STATUS_PROCESSING, fault);
    await world.vaultera.arm({ fault, path: SEND });
    const settled = await service.settled(hotel, first.paymentId);
    assert.equal(settled.status, PaymentStatus.PAYMENT_STATUS_SUCCEEDED, fault);
    assert.equal(await chargesAtStripe(world, request.operationId), 1, fault);
    await world.vaultera.clearFaults();
  }
});
