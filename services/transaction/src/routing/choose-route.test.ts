import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CaptureMethod } from '@centra/proto/centra/payment/v1/payment.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { createRequest, initiateRequest, paymentOptions } from '../testing/follow-ups.ts';
import { countRows } from '../testing/rows.ts';
import {
  eur,
  paymentOf,
  refusalOf,
  saleRequest,
  startTestService,
  withTestService,
} from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { ruleOf, storedRoute, uuidOf } from './test-routes.ts';

const IDLE = { sweepIntervalMs: 600_000, holdIntervalMs: 600_000 };

let world: World;
let service: TestService;
before(async () => {
  world = await startWorld();
  service = await startTestService(world, IDLE);
});
after(async () => {
  await service.close();
  await world.close();
});

/** A hotel with three simulator accounts: its first, another, and the one connected last, which is the default. */
async function hotelOfThree(): Promise<{ hotel: Hotel; first: string; second: string; byDefault: string }> {
  const hotel = await world.simulatorHotel();
  const second = world.merchant.connect(hotel.merchantId, 'simulator', {});
  const byDefault = world.merchant.connect(hotel.merchantId, 'simulator', {});
  return { hotel, first: hotel.providerAccountId, second, byDefault };
}

const CARD = 'sim_card_visa';

// First, while there is nothing that a loop of the new service would ask for too.
test('while answers are remembered, an account that is gone is passed over, and many payments ask once', async () => {
  await withTestService(world, { ...IDLE, credentialTtlMs: 60_000 }, async (remembering) => {
    const { hotel, first, second } = await hotelOfThree();
    world.merchant.rule(hotel.merchantId, { rules: [ruleOf([first, second], { currencies: ['EUR'] })] });
    const asked = world.merchant.callers.length;
    await Promise.all(
      Array.from(
        { length: 8 },
        async () => await remembering.sale(saleRequest(hotel, CARD, { amount: eur(100, 'USD') })),
      ),
    );
    // The routing and the default account, each once.
    assert.equal(world.merchant.callers.length - asked, 2);
    world.merchant.disconnect(first);
    const request = saleRequest(hotel, CARD);
    assert.equal(uuidOf(paymentOf(await remembering.sale(request)).providerAccountId), second);
    assert.equal((await storedRoute(world, hotel, request.operationId)).routing?.index, 1);
  });
});

test('the rule that matches chooses the account; operation and history tell which rule and which accounts', async () => {
  const { hotel, first, second, byDefault } = await hotelOfThree();
  const rule = ruleOf([second, first], { currencies: ['EUR'], amountMinMinor: 12_500n });
  world.merchant.rule(hotel.merchantId, { rules: [ruleOf([first], { currencies: ['USD'] }), rule] });
  const request = saleRequest(hotel, CARD);
  const payment = paymentOf(await service.sale(request));
  assert.equal(uuidOf(payment.providerAccountId), second);
  const stored = await storedRoute(world, hotel, request.operationId);
  assert.deepEqual(stored.routing, { ruleId: rule.ruleId, accounts: [second, first], index: 0 });
  assert.deepEqual(stored.events[0], { type: 'payment.created', details: { routing_rule: rule.ruleId } });
  const below = saleRequest(hotel, CARD, { amount: eur(12_499) });
  assert.equal(uuidOf(paymentOf(await service.sale(below)).providerAccountId), byDefault);
  const unruled = await storedRoute(world, hotel, below.operationId);
  assert.deepEqual(unruled.routing, { accounts: [byDefault], index: 0 });
  assert.deepEqual(unruled.events[0]?.details, {});
});

test('a hotel without rules keeps nothing of a route', async () => {
  const { hotel, byDefault } = await hotelOfThree();
  const request = saleRequest(hotel, CARD);
  assert.equal(uuidOf(paymentOf(await service.sale(request)).providerAccountId), byDefault);
  assert.equal((await storedRoute(world, hotel, request.operationId)).routing, null);
});

test('the hints of card and guest decide; what is not told matches no condition', async () => {
  const { hotel, first, second, byDefault } = await hotelOfThree();
  world.merchant.rule(hotel.merchantId, {
    rules: [
      ruleOf([first], { cardBrands: ['visa'], cardCountries: ['MA'] }),
      ruleOf([second], { countries: ['FR'] }),
    ],
  });
  const accountWith = async (hints: { cardBrand?: string; cardCountry?: string; country?: string }) => {
    const routingHints = { cardBrand: '', cardCountry: '', country: '', ...hints };
    const options = paymentOptions({ routingHints });
    return uuidOf(paymentOf(await service.sale(saleRequest(hotel, CARD, { options }))).providerAccountId);
  };
  assert.equal(await accountWith({ cardBrand: 'visa', cardCountry: 'MA', country: 'FR' }), first);
  assert.equal(await accountWith({ cardBrand: 'visa', country: 'FR' }), second);
  assert.equal(await accountWith({ cardBrand: 'visa' }), byDefault);
});

test('a hosted page is the method card_page, a card token the method card', async () => {
  const { hotel, first, second } = await hotelOfThree();
  world.merchant.rule(hotel.merchantId, {
    rules: [ruleOf([first], { methods: ['card_page'] }), ruleOf([second], { methods: ['card'] })],
  });
  const page = paymentOf(await service.initiate(initiateRequest(hotel)));
  assert.equal(uuidOf(page.providerAccountId), first);
  assert.equal(uuidOf(paymentOf(await service.sale(saleRequest(hotel, CARD))).providerAccountId), second);
});

test('a payment that is registered first gets its account then, and is paid there whatever the rules say later', async () => {
  const { hotel, first, second } = await hotelOfThree();
  const rule = ruleOf([first, second]);
  world.merchant.rule(hotel.merchantId, { rules: [rule] });
  const captureMethod = CaptureMethod.CAPTURE_METHOD_MANUAL;
  const registering = createRequest(hotel, { captureMethod });
  const registered = paymentOf(await service.createPayment(registering));
  assert.equal(uuidOf(registered.providerAccountId), first);
  const { events } = await storedRoute(world, hotel, registering.operationId);
  assert.deepEqual(events[0]?.details, { routing_rule: rule.ruleId });
  world.merchant.rule(hotel.merchantId, { rules: [ruleOf([second])], currencies: ['MAD'] });
  const paying = saleRequest(hotel, CARD, { paymentId: registered.paymentId });
  const paid = paymentOf(await service.authorize(paying));
  assert.equal(uuidOf(paid.providerAccountId), first);
  const stored = await storedRoute(world, hotel, paying.operationId);
  assert.deepEqual(stored.routing, { ruleId: rule.ruleId, accounts: [first, second], index: 0 });
});

test('a repeated request is answered from the first one, and is never routed again', async () => {
  const { hotel, first, second } = await hotelOfThree();
  world.merchant.rule(hotel.merchantId, { rules: [ruleOf([first])] });
  const request = saleRequest(hotel, CARD);
  const answered = paymentOf(await service.sale(request));
  for (const ruling of [{ rules: [ruleOf([second])] }, { currencies: ['MAD'] }, { methods: ['paypal'] }]) {
    world.merchant.rule(hotel.merchantId, ruling);
    const again = await service.sale(request);
    assert.deepEqual([again.replayed, again.payment], [true, answered]);
  }
  world.merchant.disconnect(first);
  assert.deepEqual((await service.sale(request)).payment, answered);
  assert.equal((await countRows(world, hotel))['operations'], 1);
});

test('a payment that names its account goes there, past every rule', async () => {
  const { hotel, first, second } = await hotelOfThree();
  world.merchant.rule(hotel.merchantId, { rules: [ruleOf([first])] });
  const providerAccountId = toPublicId('pa', second);
  const request = saleRequest(hotel, CARD, { providerAccountId });
  assert.equal(paymentOf(await service.sale(request)).providerAccountId, providerAccountId);
  assert.equal((await storedRoute(world, hotel, request.operationId)).routing, null);
});

test('what the hotel does not accept is refused with and without a named account, and leaves nothing', async () => {
  const { hotel, first } = await hotelOfThree();
  const named = { providerAccountId: toPublicId('pa', first) };
  world.merchant.rule(hotel.merchantId, { currencies: ['MAD'], rules: [ruleOf([first])] });
  const asks = [
    async () => await service.sale(saleRequest(hotel, CARD)),
    async () => await service.sale(saleRequest(hotel, CARD, named)),
    async () => await service.initiate(initiateRequest(hotel, named)),
    async () => await service.createPayment(createRequest(hotel)),
  ];
  for (const ask of asks) {
    const { error } = await refusalOf(ask());
    assert.equal(error.code, 'method_not_accepted');
    assert.match(error.detail ?? '', /does not accept the currency EUR/);
  }
  world.merchant.rule(hotel.merchantId, { methods: ['card_page'] });
  assert.equal(
    (await refusalOf(service.sale(saleRequest(hotel, CARD, named)))).error.code,
    'method_not_accepted',
  );
  await service.initiate(initiateRequest(hotel));
  assert.equal((await countRows(world, hotel))['payments'], 1);
});

test("another hotel's account, named in a rule or in a request, is like none at all", async () => {
  const { hotel, byDefault } = await hotelOfThree();
  const other = await world.simulatorHotel();
  world.merchant.rule(hotel.merchantId, { rules: [ruleOf([other.providerAccountId])] });
  assert.equal(uuidOf(paymentOf(await service.sale(saleRequest(hotel, CARD))).providerAccountId), byDefault);
  const named = saleRequest(hotel, CARD, { providerAccountId: toPublicId('pa', other.providerAccountId) });
  assert.equal((await refusalOf(service.sale(named))).error.code, 'provider_account_missing');
});
