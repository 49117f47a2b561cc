import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { CaptureMethod, PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { TransactionServiceService } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { deliver, eventOfType, storedEvents, webhookOf } from './provider-events/test-webhooks.ts';
import { createRequest, initiateRequest, paymentIn } from './testing/follow-ups.ts';
import { countRows } from './testing/rows.ts';
import {
  callOptions,
  eur,
  followUpOf,
  paymentOf,
  refusalOf,
  saleRequest,
  startTestService,
} from './testing/test-service.ts';
import type { TestService } from './testing/test-service.ts';
import { startWorld } from './testing/world.ts';
import type { Hotel, World } from './testing/world.ts';

// Promise P12: no call with one hotel's id reads or changes what is another's. The table has a line for each RPC of the
// contract; one without a line fails the type check and the first test.

let world: World;
let service: TestService;
/** Whose objects are asked for. */
let owner: Hotel;
/** Who asks. */
let intruder: Hotel;
let objects: Record<
  'created' | 'hold' | 'sold' | 'refund' | 'dispute' | 'unknown' | 'event' | 'account',
  string
>;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 });
  [owner, intruder] = [await world.simulatorHotel(), await world.simulatorHotel()];
  objects = await makeObjects();
});
after(async () => {
  await service.close();
  await world.close();
});

/** One of everything that a hotel can have. */
async function makeObjects(): Promise<typeof objects> {
  const sold = await paymentIn(service, owner, 'succeeded');
  const { refund } = await service.refund({
    followUp: followUpOf(owner, sold.paymentId),
    amount: eur(1),
    reason: '',
    metadata: {},
  });
  const doubt = saleRequest(owner, 'sim_card_visa', { amount: eur(66_611) });
  await service.sale(doubt);
  const stripe = await world.stripeHotel();
  const token = await world.vaultera.card(stripe.vaultKey, '4242424242424242');
  await service.sale(saleRequest(stripe, token));
  await deliver(service, webhookOf(stripe, await eventOfType(world, stripe, 'payment_intent.succeeded')));
  return {
    created: (await paymentIn(service, owner, 'created')).paymentId,
    hold: (await paymentIn(service, owner, 'authorized')).paymentId,
    sold: sold.paymentId,
    refund: refund?.refundId ?? '',
    dispute: toPublicId('dis', await insertDispute(sold.paymentId)),
    unknown: toPublicId('op', doubt.operationId),
    event: toPublicId('pev', (await storedEvents(world, stripe))[0]?.id ?? ''),
    account: toPublicId('pa', owner.providerAccountId),
  };
}

/** As a provider's event leaves one behind. */
async function insertDispute(paymentId: string): Promise<string> {
  const { rows } = await world.admin.query<{ id: string }>(
    `insert into disputes (merchant_id, id, mode, payment_id, provider, provider_reference, version, amount_minor,
       currency, status, provider_status, reason, inquiry)
     select merchant_id, uuidv7(), mode, id, provider, 'dp_1', 1, 100, currency, 'open', 'needs_response',
       'fraudulent', false from payments where merchant_id = $1 and provider_reference = $2
     returning id`,
    [owner.merchantId, (await service.get(owner, paymentId)).providerReference],
  );
  return rows[0]?.id ?? '';
}

type Rpc = keyof typeof TransactionServiceService;
/** The code of the refusal, or what came back and must hold nothing of the owner's. */
type Case = () => Promise<{ refused: string } | { found: unknown[] }>;

const refused = async (call: Promise<unknown>) => ({ refused: (await refusalOf(call)).error.code });
const MODE_TEST = Mode.MODE_TEST;
const scope = () => ({ merchantId: intruder.merchantId, mode: MODE_TEST });
const options = () => callOptions();
const page = { limit: 100 };

const listRefunds = async (paymentId: string) =>
  await callUnary(
    service.client.listRefunds.bind(service.client),
    { ...scope(), ...page, paymentId, afterRefundId: '' },
    options(),
  );

const CASES: Record<Rpc, Case | { noMerchant: string }> = {
  sale: async () =>
    await refused(
      service.sale(saleRequest(intruder, 'sim_card_visa', { paymentId: objects.created, amount: undefined })),
    ),
  authorize: async () =>
    await refused(
      service.authorize(saleRequest(intruder, 'sim_card_visa', { providerAccountId: objects.account })),
    ),
  createPayment: async () =>
    await refused(service.createPayment(createRequest(intruder, { providerAccountId: objects.account }))),
  initiate: async () =>
    await refused(service.initiate(initiateRequest(intruder, { providerAccountId: objects.account }))),
  capture: async () =>
    await refused(
      service.capture({ followUp: followUpOf(intruder, objects.hold), amount: undefined, keepOpen: false }),
    ),
  void: async () =>
    await refused(service.voidPayment({ followUp: followUpOf(intruder, objects.hold), reason: '' })),
  refund: async () =>
    await refused(
      service.refund({
        followUp: followUpOf(intruder, objects.sold),
        amount: undefined,
        reason: '',
        metadata: {},
      }),
    ),
  adjust: async () =>
    await refused(service.adjust({ followUp: followUpOf(intruder, objects.hold), amount: eur(1) })),
  getRefund: async () =>
    await refused(
      callUnary(
        service.client.getRefund.bind(service.client),
        { ...scope(), refundId: objects.refund },
        options(),
      ),
    ),
  listRefunds: async () => {
    assert.deepEqual(await refused(listRefunds(objects.sold)), { refused: 'not_found' });
    return { found: (await listRefunds('')).refunds };
  },
  listPaymentEvents: async () =>
    await refused(
      callUnary(
        service.client.listPaymentEvents.bind(service.client),
        { ...scope(), ...page, paymentId: objects.sold, afterVersion: 0 },
        options(),
      ),
    ),
  getDispute: async () =>
    await refused(
      callUnary(
        service.client.getDispute.bind(service.client),
        { ...scope(), disputeId: objects.dispute },
        options(),
      ),
    ),
  listDisputes: async () => {
    const request = { ...scope(), ...page, paymentId: '', afterDisputeId: '', status: '' };
    return {
      found: (await callUnary(service.client.listDisputes.bind(service.client), request, options())).disputes,
    };
  },
  receiveProviderEvent: {
    noMerchant: 'the signature says whose it is; receive-provider-event.test.ts signs with the wrong one',
  },
  listProviderEvents: async () => {
    const request = { ...scope(), ...page, state: '', afterEventId: '' };
    return {
      found: (await callUnary(service.client.listProviderEvents.bind(service.client), request, options()))
        .events,
    };
  },
  replayProviderEvent: async () =>
    await refused(
      callUnary(
        service.client.replayProviderEvent.bind(service.client),
        { ...scope(), eventId: objects.event, origin: undefined },
        options(),
      ),
    ),
  listUnknownOperations: async () => {
    const request = { ...scope(), ...page, afterOperationId: '', escalatedOnly: false };
    const reply = await callUnary(
      service.client.listUnknownOperations.bind(service.client),
      request,
      options(),
    );
    return { found: reply.operations };
  },
  settleUnknownOperation: async () =>
    await refused(
      callUnary(
        service.client.settleUnknownOperation.bind(service.client),
        {
          ...scope(),
          operationId: objects.unknown,
          happened: false,
          evidence: 'I looked at the dashboard',
          providerReference: '',
          origin: undefined,
        },
        options(),
      ),
    ),
  getSimulatorChallenge: { noMerchant: 'the unguessable token of the page is the credential' },
  answerSimulatorChallenge: { noMerchant: 'the unguessable token of the page is the credential' },
  getPayment: async () => await refused(service.get(intruder, objects.sold)),
  listPayments: async () => {
    const reply = await callUnary(
      service.client.listPayments.bind(service.client),
      {
        ...scope(),
        ...page,
        afterPaymentId: '',
        status: PaymentStatus.PAYMENT_STATUS_UNSPECIFIED,
        bookingReference: '',
        createdFrom: undefined,
        createdBefore: undefined,
        providerReference: '',
        guestEmail: '',
        cardLast4: '',
        amountMinor: 0n,
        currency: '',
        captureMethod: CaptureMethod.CAPTURE_METHOD_UNSPECIFIED,
        query: '',
      },
      options(),
    );
    return { found: reply.payments };
  },
  createCaptureSession: async () =>
    await refused(
      callUnary(
        service.client.createCaptureSession.bind(service.client),
        { merchantId: randomUUID(), mode: MODE_TEST },
        options(),
      ),
    ),
  countAccountUse: {
    noMerchant: 'it tells numbers of operations, to the merchant service alone, and none of another hotel',
  },
  checkProviderCredentials: {
    noMerchant: 'it is given the credentials, and stores and tells nothing of any hotel',
  },
};

/** Naming an account that is not one's own tells no more than that there is none to use. */
const MISSING_ACCOUNT: readonly string[] = ['authorize', 'createPayment', 'initiate', 'createCaptureSession'];

test('every RPC of the contract has a case of a foreign merchant, or a reason why there is none', () => {
  assert.deepEqual(Object.keys(CASES).toSorted(), Object.keys(TransactionServiceService).toSorted());
  for (const id of Object.values(objects))
    assert.match(id, /^[a-z]+_[0-9a-z]{26}$/, 'the owner has one of each');
});

describe("another hotel's objects", () => {
  for (const [rpc, one] of Object.entries(CASES))
    if (typeof one === 'function')
      test(`${rpc}: are not found, not listed and not changed`, async () => {
        const rows = await countRows(world, owner);
        const payments = await Promise.all(
          [objects.created, objects.hold, objects.sold].map(async (id) => await service.get(owner, id)),
        );
        const outcome = await one();
        if ('refused' in outcome)
          assert.equal(
            outcome.refused,
            MISSING_ACCOUNT.includes(rpc) ? 'provider_account_missing' : 'not_found',
          );
        else assert.deepEqual(outcome.found, []);
        assert.deepEqual(await countRows(world, owner), rows);
        for (const payment of payments)
          assert.deepEqual(await service.get(owner, payment.paymentId), payment);
        assert.deepEqual(Object.values(await countRows(world, intruder)), [0, 0, 0, 0]);
      });
});

test('a merchant id that is no UUID is validation_failed for every read, and nothing of the database is told', async () => {
  const hotel = await world.simulatorHotel();
  for (const merchantId of [
    'hotel',
    "x' or true --",
    `${hotel.merchantId}\0`,
    hotel.merchantId.toUpperCase(),
  ]) {
    const wrong = { merchantId, mode: MODE_TEST };
    const { client } = service;
    const calls = [
      async () => await service.get({ ...hotel, merchantId }, objects.sold),
      async () =>
        await callUnary(client.getRefund.bind(client), { ...wrong, refundId: objects.refund }, options()),
      async () =>
        await callUnary(
          client.listRefunds.bind(client),
          { ...wrong, ...page, paymentId: '', afterRefundId: '' },
          options(),
        ),
      async () =>
        await callUnary(
          client.listPaymentEvents.bind(client),
          { ...wrong, ...page, paymentId: objects.sold, afterVersion: 0 },
          options(),
        ),
    ];
    for (const call of calls) {
      const { error } = await refusalOf(call());
      assert.deepEqual(
        [error.code, error.errors.map((one) => one.field)],
        ['validation_failed', ['merchant_id']],
      );
    }
  }
});

test('the same calls by the owner find what is there, so that the cases above can fail', async () => {
  assert.equal((await service.get(owner, objects.sold)).paymentId, objects.sold);
  const held = await service.capture({
    followUp: followUpOf(owner, objects.hold),
    amount: undefined,
    keepOpen: false,
  });
  assert.equal(paymentOf(held).paymentId, objects.hold);
});
