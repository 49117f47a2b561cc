import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { CountAccountUseResponse } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { z } from 'zod';
import { amountFor, ask, readyAtStripe, STRIPE_PATHS } from '../testing/follow-ups.ts';
import { callOptions, followUpOf, paymentOf, refusalOf, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { COUNT_ACCOUNT_USE } from './count-account-use.ts';

let world: World;
/** No loop turns, so what is open stays open. */
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

async function use(
  hotel: Pick<Hotel, 'merchantId' | 'providerAccountId'>,
  version = 1,
  caller = 'merchant',
): Promise<CountAccountUseResponse> {
  const client = service.clientOf(caller);
  const { merchantId, providerAccountId } = hotel;
  const request = { merchantId, providerAccountId, version };
  return await callUnary(client.countAccountUse.bind(client), request, callOptions());
}

const NOTHING = { openOperations: 0, openHolds: 0 };

describe('what is still under way on an account', () => {
  test('nothing on a fresh one; a hold counts in whatever version until it is captured', async () => {
    const hotel = await world.stripeHotel();
    assert.deepEqual(await use(hotel), NOTHING);
    const held = await readyAtStripe(world, service, hotel, 'capture');
    assert.deepEqual(await use(hotel), { openOperations: 0, openHolds: 1 });
    assert.deepEqual(await use(hotel, 2), { openOperations: 0, openHolds: 1 });
    const followUp = followUpOf(hotel, held.paymentId);
    await ask(service, 'capture', followUp, { amount: amountFor('capture') });
    assert.deepEqual(await use(hotel), NOTHING);
  });

  test('an operation in doubt counts for its own version only', async () => {
    const hotel = await world.stripeHotel();
    const held = await readyAtStripe(world, service, hotel, 'capture');
    await world.stripe.arm({ fault: 'drop_before_act', path: STRIPE_PATHS.capture, method: 'POST' });
    const followUp = followUpOf(hotel, held.paymentId);
    const reply = await ask(service, 'capture', followUp, { amount: amountFor('capture') });
    assert.equal(reply.state, OperationState.OPERATION_STATE_UNKNOWN);
    assert.equal((await use(hotel, 1)).openOperations, 1);
    assert.equal((await use(hotel, 2)).openOperations, 0);
  });

  test('the vault of a charge counts as well, and a security code that is not wiped yet', async () => {
    const hotel = await world.stripeHotel();
    const vault = { merchantId: hotel.merchantId, providerAccountId: hotel.vaultAccountId };
    await readyAtStripe(world, service, hotel, 'refund');
    await world.admin.query(
      `update operations set service_code_wipe = 'done' where merchant_id = $1 and service_code_wipe = 'due'`,
      [hotel.merchantId],
    );
    assert.deepEqual(await use(vault), NOTHING);
    await world.admin.query(
      `update operations set vault_account_id = $2, vault_account_version = 1, service_code_wipe = 'due'
        where merchant_id = $1 and kind in ('sale', 'authorize')`,
      [hotel.merchantId, hotel.vaultAccountId],
    );
    assert.deepEqual(await use(vault), { openOperations: 1, openHolds: 0 });
    assert.deepEqual(await use(vault, 2), NOTHING);
    await world.admin.query(
      `update operations set service_code_wipe = null, state = 'unknown', finished_at = null where merchant_id = $1`,
      [hotel.merchantId],
    );
    assert.deepEqual(await use(vault), { openOperations: 1, openHolds: 0 });
  });

  test('of another hotel nothing is counted, whatever account is named', async () => {
    const [hotel, other] = [await world.stripeHotel(), await world.stripeHotel()];
    await readyAtStripe(world, service, hotel, 'capture');
    assert.deepEqual(
      await use({ merchantId: other.merchantId, providerAccountId: hotel.providerAccountId }),
      NOTHING,
    );
  });

  test('no more than a thousand are counted, and indexes answer it', async () => {
    const hotel = await world.stripeHotel();
    await readyAtStripe(world, service, hotel, 'refund');
    await world.admin.query(
      `insert into operations (merchant_id, id, payment_id, kind, state, attempt, due_at, fingerprint, amount_minor, currency,
         provider, provider_account_id, provider_account_version, actor, request_id)
       select merchant_id, gen_random_uuid(), payment_id, 'refund', 'unknown', 1, now() + interval '1 day', fingerprint, 1, 'EUR',
         provider, provider_account_id, 1, '', '' from operations, generate_series(1, 1200)
        where merchant_id = $1 and kind = 'sale'`,
      [hotel.merchantId],
    );
    assert.deepEqual(await use(hotel), { openOperations: 1_000, openHolds: 0 });
    await world.admin.query('analyze operations');
    await world.admin.query('analyze payments');
    const { rows } = await world.admin.query<Record<string, unknown>>(
      `explain ${COUNT_ACCOUNT_USE.replaceAll('$1', `'${randomUUID()}'`)
        .replaceAll('$2', `'${randomUUID()}'`)
        .replaceAll('$3', '1')
        .replaceAll('$4', '1000')}`,
    );
    const plan = z.array(z.object({ 'QUERY PLAN': z.string() })).parse(rows);
    const text = plan.map((row) => row['QUERY PLAN']).join('\n');
    assert.match(text, /operations_open_of_account/);
    assert.match(text, /operations_(?:open|wipe)_of_vault/);
    assert.doesNotMatch(text, /Seq Scan on operations/);
  });
});

describe('refused', () => {
  test('a hotel or account that is no UUID, and a version below one', async () => {
    const good = { merchantId: randomUUID(), providerAccountId: randomUUID() };
    for (const bad of [{ merchantId: 'x' }, { providerAccountId: 'pa_x' }])
      assert.equal((await refusalOf(use({ ...good, ...bad }))).error.code, 'validation_failed');
    assert.equal((await refusalOf(use(good, 0))).error.code, 'validation_failed');
  });

  test('any caller but the merchant service', async () => {
    const good = { merchantId: randomUUID(), providerAccountId: randomUUID() };
    for (const caller of ['payment-api', 'api-gateway', 'auth', 'operator'])
      assert.equal((await refusalOf(use(good, 1, caller))).status, grpcStatus.PERMISSION_DENIED, caller);
  });
});

describe('a payment of an account that the hotel has deleted', () => {
  for (const kind of ['capture', 'void'] as const)
    test(`with money held: a ${kind} works with its newest credentials, and nothing is left to wait for`, async () => {
      const hotel = await world.stripeHotel();
      const held = await readyAtStripe(world, service, hotel, kind);
      world.merchant.rotate(hotel.providerAccountId, {
        secret_key: hotel.secretKey,
        webhook_secret: hotel.webhookSecret,
      });
      world.merchant.disconnect(hotel.providerAccountId);
      const followUp = followUpOf(hotel, held.paymentId);
      const reply = await ask(service, kind, followUp, { amount: amountFor(kind) });
      assert.equal(reply.state, OperationState.OPERATION_STATE_SUCCEEDED);
      assert.equal(paymentOf(reply).paymentId, held.paymentId);
      const { rows } = await world.admin.query<{ provider_account_version: number }>(
        `select provider_account_version from operations where merchant_id = $1 and id = $2`,
        [hotel.merchantId, followUp.operationId],
      );
      assert.equal(rows[0]?.provider_account_version, 2);
      assert.deepEqual(await use(hotel, 2), NOTHING);
    });

  test('with nothing held: a refund is refused, for its secrets may go at any moment', async () => {
    const hotel = await world.stripeHotel();
    const paid = await readyAtStripe(world, service, hotel, 'refund');
    world.merchant.disconnect(hotel.providerAccountId);
    const refund = ask(service, 'refund', followUpOf(hotel, paid.paymentId), { amount: amountFor('refund') });
    assert.equal((await refusalOf(refund)).error.code, 'provider_account_missing');
  });
});
