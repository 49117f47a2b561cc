import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { CaptureMethod, PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type {
  ListPaymentsRequest,
  ListPaymentsResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { callOptions, paymentOf, refusalOf, saleRequest, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world);
});
after(async () => {
  await service.close();
  await world.close();
});

async function list(
  hotel: Hotel,
  change: Partial<ListPaymentsRequest> = {},
  caller = 'payment-api',
): Promise<ListPaymentsResponse> {
  const request: ListPaymentsRequest = {
    merchantId: hotel.merchantId,
    mode: Mode.MODE_TEST,
    limit: 100,
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
    ...change,
  };
  const client = service.clientOf(caller);
  return await callUnary(client.listPayments.bind(client), request, callOptions());
}

const idsOf = ({ payments }: ListPaymentsResponse): string[] => payments.map(({ paymentId }) => paymentId);

/** So many payments one after the other; answers their ids in that order. */
async function makePayments(
  hotel: Hotel,
  count: number,
  change: Parameters<typeof saleRequest>[2] = {},
): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1)
    ids.push(paymentOf(await service.sale(saleRequest(hotel, 'sim_card_visa', change))).paymentId);
  return ids;
}

test('a list shows the newest payment first and each as get does', async () => {
  const hotel = await world.simulatorHotel();
  const ids = await makePayments(hotel, 5);
  const page = await list(hotel);
  assert.deepEqual(idsOf(page), ids.toReversed());
  assert.equal(page.hasMore, false);
  assert.deepEqual(page.payments[0], await service.get(hotel, ids[4] ?? ''));
});

test('a walk by cursor meets every payment once, although new ones arrive meanwhile', async () => {
  const hotel = await world.simulatorHotel();
  const ids = await makePayments(hotel, 23);
  const met: string[] = [];
  let afterPaymentId = '';
  for (let page = await list(hotel, { limit: 5 }); ; page = await list(hotel, { limit: 5, afterPaymentId })) {
    met.push(...idsOf(page));
    afterPaymentId = page.payments.at(-1)?.paymentId ?? '';
    if (!page.hasMore) break;
    assert.equal(page.payments.length, 5);
    await Promise.all([makePayments(hotel, 1), makePayments(hotel, 1)]);
  }
  assert.deepEqual(met, ids.toReversed());
});

test('a page that ends exactly at the last payment says that nothing follows', async () => {
  const hotel = await world.simulatorHotel();
  await makePayments(hotel, 4);
  const first = await list(hotel, { limit: 2 });
  const second = await list(hotel, { limit: 2, afterPaymentId: first.payments.at(-1)?.paymentId ?? '' });
  assert.deepEqual([first.hasMore, second.hasMore, second.payments.length], [true, false, 2]);
  const third = await list(hotel, { limit: 2, afterPaymentId: second.payments.at(-1)?.paymentId ?? '' });
  assert.deepEqual([third.hasMore, third.payments.length], [false, 0]);
});

test('filters narrow a list by status, booking and time, alone and together', async () => {
  const hotel = await world.simulatorHotel();
  const [paid] = await makePayments(hotel, 1, { bookingReference: 'BK-A' });
  const [declined] = await makePayments(hotel, 1, {
    bookingReference: 'BK-A',
    cardToken: 'sim_card_declined',
  });
  const [other] = await makePayments(hotel, 1, { bookingReference: 'BK-B' });
  assert.ok(paid && declined && other);
  const { PAYMENT_STATUS_SUCCEEDED, PAYMENT_STATUS_FAILED, PAYMENT_STATUS_REQUIRES_ACTION } = PaymentStatus;
  assert.deepEqual(idsOf(await list(hotel, { status: PAYMENT_STATUS_SUCCEEDED })), [other, paid]);
  assert.deepEqual(idsOf(await list(hotel, { status: PAYMENT_STATUS_FAILED })), [declined]);
  assert.deepEqual(idsOf(await list(hotel, { status: PAYMENT_STATUS_REQUIRES_ACTION })), []);
  assert.deepEqual(idsOf(await list(hotel, { bookingReference: 'BK-A' })), [declined, paid]);
  assert.deepEqual(idsOf(await list(hotel, { bookingReference: "BK-A' or true --" })), []);
  assert.deepEqual(idsOf(await list(hotel, { bookingReference: 'BK-A', status: PAYMENT_STATUS_SUCCEEDED })), [
    paid,
  ]);
  await world.admin.query(
    `update payments set created_at = '2026-01-01T12:00:00Z' where booking_reference = 'BK-A' and status = 'failed'`,
  );
  const from = new Date('2026-01-01T12:00:00Z');
  const until = new Date('2026-01-01T12:00:00.001Z');
  assert.deepEqual(idsOf(await list(hotel, { createdFrom: from, createdBefore: until })), [declined]);
  assert.deepEqual(idsOf(await list(hotel, { createdBefore: from })), [], 'the end is exclusive');
  assert.deepEqual(idsOf(await list(hotel, { createdFrom: until })), [other, paid]);
});

test('a search finds a part of booking, name or e-mail in any case, or a whole id, and nothing across two fields', async () => {
  const hotel = await world.simulatorHotel();
  const guest = { name: 'Amélie 100%_Nothomb', email: 'Amelie@Example.com' };
  const [first] = await makePayments(hotel, 1, { bookingReference: 'BK-20931', guest });
  const [second] = await makePayments(hotel, 1, { bookingReference: 'Group/7', guest: undefined });
  assert.ok(first && second);
  const { providerReference } = await service.get(hotel, first);
  assert.notEqual(providerReference, '');
  const found: [string, string[]][] = [
    ['bk-209', [first]],
    ['0931', [first]],
    ['amÉLIE', [first]],
    ['@example', [first]],
    ['100%_not', [first]],
    ['group/', [second]],
    [first, [first]],
    [second.toUpperCase(), [second]],
    [providerReference, [first]],
    ['%%%', []],
    ['___', []],
    ['\\\\\\', []],
    ['20931am', []],
    ["' or true --", []],
    [providerReference.slice(0, -1), []],
  ];
  for (const [query, ids] of found) assert.deepEqual(idsOf(await list(hotel, { query })), ids, query);
  const other = await world.simulatorHotel();
  for (const query of ['bk-20931', first, providerReference])
    assert.deepEqual(idsOf(await list(other, { query })), [], query);
  assert.deepEqual(idsOf(await list(hotel, { query: 'bk-20931', mode: Mode.MODE_LIVE })), []);
});

test('a booking that is named like its provider reference is found once', async () => {
  const hotel = await world.simulatorHotel();
  const [id] = await makePayments(hotel, 1, { bookingReference: 'twice' });
  await world.admin.query(
    `update provider_references set provider_reference = 'twice' where merchant_id = $1`,
    [hotel.merchantId],
  );
  assert.deepEqual(idsOf(await list(hotel, { query: 'twice' })), [id]);
});

test('every filter narrows by its own field, alone and beside a search', async () => {
  const hotel = await world.simulatorHotel();
  const guest = { name: 'Zoë', email: 'zoe@example.net' };
  const [small] = await makePayments(hotel, 1, { amount: { amountMinor: 777n, currency: 'EUR' }, guest });
  const [large] = await makePayments(hotel, 1, { amount: { amountMinor: 900_000n, currency: 'USD' } });
  assert.ok(small && large);
  const one = await service.get(hotel, small);
  const filters: [Partial<ListPaymentsRequest>, string[]][] = [
    [{ providerReference: one.providerReference }, [small]],
    [{ providerReference: 'pi_none' }, []],
    [{ guestEmail: 'ZOE@example.net' }, [small]],
    [{ guestEmail: 'oe@example.net' }, []],
    [{ guestEmail: '%@example.net' }, []],
    [{ cardLast4: one.card?.last4 ?? '' }, [large, small]],
    [{ cardLast4: '0001' }, []],
    [{ amountMinor: 777n }, [small]],
    [{ amountMinor: 777n, currency: 'USD' }, []],
    [{ currency: 'USD' }, [large]],
    [{ captureMethod: CaptureMethod.CAPTURE_METHOD_AUTOMATIC }, [large, small]],
    [{ captureMethod: CaptureMethod.CAPTURE_METHOD_MANUAL }, []],
    [{ query: 'zoe', amountMinor: 777n, guestEmail: 'zoe@example.net' }, [small]],
    [{ query: 'zoe', amountMinor: 778n }, []],
    [{ query: one.providerReference, currency: 'USD' }, []],
  ];
  for (const [filter, ids] of filters)
    assert.deepEqual(idsOf(await list(hotel, filter)), ids, Object.keys(filter).join(' '));
});

test('a walk by cursor through a search meets every match once', async () => {
  const hotel = await world.simulatorHotel();
  const ids: string[] = [];
  for (let index = 0; index < 7; index += 1) {
    ids.push(...(await makePayments(hotel, 1, { bookingReference: `Spa ${index}` })));
    await makePayments(hotel, 1, { bookingReference: `Other ${index}` });
  }
  const met: string[] = [];
  for (let afterPaymentId = ''; ;) {
    const page = await list(hotel, { query: 'spa', limit: 2, afterPaymentId });
    met.push(...idsOf(page));
    afterPaymentId = page.payments.at(-1)?.paymentId ?? '';
    if (!page.hasMore) break;
  }
  assert.deepEqual(met, ids.toReversed());
});

test("a list never shows another hotel's or another mode's payments, whatever cursor it is given", async () => {
  const [hotel, other] = await Promise.all([world.simulatorHotel(), world.simulatorHotel()]);
  const [mine] = await makePayments(hotel, 1);
  const [theirs] = await makePayments(other, 1);
  assert.deepEqual(idsOf(await list(hotel)), [mine]);
  assert.deepEqual(idsOf(await list(hotel, { mode: Mode.MODE_LIVE })), []);
  assert.deepEqual(
    idsOf(await list(hotel, { afterPaymentId: theirs ?? '' })),
    [mine],
    'a cursor is a place, not a right',
  );
});

test('a limit outside 1 to 100 and a cursor that is none are refused by name', async () => {
  const hotel = await world.simulatorHotel();
  for (const [change, field] of [
    [{ limit: 0 }, 'limit'],
    [{ limit: -1 }, 'limit'],
    [{ limit: 101 }, 'limit'],
    [{ afterPaymentId: 'nonsense' }, 'cursor'],
    [{ afterPaymentId: 'pay_' }, 'cursor'],
  ] as const) {
    const refused = await refusalOf(list(hotel, change));
    assert.equal(refused.status, grpcStatus.INVALID_ARGUMENT);
    assert.deepEqual(
      refused.error.errors.map((error) => error.field),
      [field],
    );
  }
});

test('only payment-api may list', async () => {
  const hotel = await world.simulatorHotel();
  for (const caller of ['merchant', 'api-gateway', 'auth', 'operator'])
    assert.equal((await refusalOf(list(hotel, {}, caller))).status, grpcStatus.PERMISSION_DENIED, caller);
});
