import { randomUUID } from 'node:crypto';
import type { Platform } from '@centra/dev/platform.ts';
import { post } from '@centra/dev/seed.ts';
import { captureTestCard } from '@centra/dev/take-payment.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { z } from 'zod';
import { get, list, make, send } from './door.ts';
import type { Made } from './door.ts';
import { sql } from './rows.ts';
import type { TwoModeHotel } from './world.ts';

/** One of everything that a hotel can have, by what names it. */
export type Owned = {
  /** Payments: without a card, held, sold and refunded in part, disputed, waiting for the guest, of unknown outcome. */
  created: string;
  held: string;
  /** The operation that holds it: a UUID. */
  heldOperation: string;
  soldOperation: string;
  sold: string;
  disputed: string;
  challenged: string;
  /** Stripe's id of the sold one, and the built-in simulator's of another one. */
  reference: string;
  simulated: string;
  refund: string;
  dispute: string;
  quote: string;
  /** An operation nobody knows the end of, and its payment. */
  unknown: string;
  doubtful: string;
  /** What Stripe told, and Stripe's own name of it. */
  event: string;
  stripeEvent: string;
  account: string;
  simulatorAccount: string;
  vaultAccount: string;
  apiKey: string;
  /** The unguessable part of the simulated bank's page. */
  challenge: string;
  cardToken: string;
  /** The Idempotency-Key of a charge, and that charge's payment. */
  key: string;
  keyed: string;
  keyedBody: Readonly<Record<string, unknown>>;
  guestEmail: string;
  bookingReference: string;
  /** What the intruder writes into things of its own, where it may then read it again. */
  bait: Bait;
};

export type Bait = { payment: string; reference: string; account: string };

/** What the intruder has of its own, to ask with. */
export type Intruder = {
  account: string;
  /** What Stripe signs its events with. */
  webhookSecret: string;
  /** A payment that waits for a card. */
  created: string;
  cardToken: string;
  /** Of unknown outcome, to be settled with somebody else's reference. */
  unknown: string;
};

const GUEST = { name: 'Ownerguest Atlas', email: 'ownerguest@owner.example' };
// What the built-in simulator loses the answer of, without a charge (docs/providers/simulator.md).
const LOST = 66_611;
const BOOKING = 'OWNERBOOKING-1';
const INTRUDER_BOOKING = 'INTRUDER-0';

/** Makes them through the public door, and leaves them at rest: nothing of the owner's moves by itself afterwards. */
export async function makeOwned(platform: Platform, owner: TwoModeHotel): Promise<Owned> {
  const { gatewayUrl } = platform;
  const create = async (body: object): Promise<Made> =>
    await make(gatewayUrl, owner.apiKey, '/v1/payments', { ...terms(), ...body });
  const card = async (): Promise<string> => await captureTestCard(platform, owner);
  const made = async (path: string, body: object): Promise<Made> =>
    await make(gatewayUrl, owner.apiKey, path, body);

  const simulated = { provider: 'simulator', mode: 'test', credentials: {} };
  const simulator = await made('/v1/provider-accounts', simulated);
  const baitAccount = await made('/v1/provider-accounts', simulated);
  const held = await create({
    card_token: await card(),
    capture_method: 'manual',
    extras: { incremental: true },
  });
  const sold = await create({ card_token: await card() });
  const disputed = await create({ card_token: await card() });
  await post(`${platform.stripeUrl}/_control/disputes`, { payment_intent: disputed['provider_reference'] });
  const refund = await made(`/v1/payments/${sold.id}/refund`, { amount: 100, currency: 'EUR' });
  const quote = await made('/v1/quotes', { currency: 'EUR', items: [{ item: 'room.single', nights: 2 }] });
  await make(gatewayUrl, owner.apiKey, '/v1/payments', { booking_reference: BOOKING, quote_id: quote.id });
  const created = await create({});
  const challenged = await create({
    card_token: 'sim_card_authentication_required',
    provider_account: simulator.id,
    return_url: 'https://owner.example/paid',
  });
  const atSimulator = await create({ card_token: 'sim_card_visa', provider_account: simulator.id });
  const bait = await create({ card_token: await card() });
  const apiKey = await made('/v1/api-keys', { name: 'Owner’s second key', scopes: ['payments:read'] });
  const keyed = await chargeWithKey(platform, owner, await card());
  const doubtful = await inDoubt(platform, owner, simulator.id, BOOKING);
  await settleOne(platform, owner, simulator.id);
  const accounts = await list(gatewayUrl, owner.apiKey, '/v1/provider-accounts');
  const accountOf = (provider: string): string =>
    accounts.find((account) => account['provider'] === provider)?.id ?? missing(`an account at ${provider}`);
  const event = await atRest(platform, owner);
  const [dispute] = await list(gatewayUrl, owner.apiKey, '/v1/disputes');
  return {
    created: created.id,
    held: held.id,
    heldOperation: await operationOf(platform, owner, held.id),
    soldOperation: await operationOf(platform, owner, sold.id),
    sold: sold.id,
    disputed: disputed.id,
    challenged: challenged.id,
    reference: z.string().parse(sold['provider_reference']),
    simulated: z.string().parse(atSimulator['provider_reference']),
    refund: refund.id,
    dispute: dispute?.id ?? missing('a dispute'),
    quote: quote.id,
    unknown: doubtful.id,
    doubtful: z.string().parse(doubtful['payment_id']),
    event: event.id,
    stripeEvent: z.string().parse(event['provider_event_id']),
    account: accountOf('stripe'),
    simulatorAccount: simulator.id,
    vaultAccount: accountOf('vaultera'),
    apiKey: apiKey.id,
    challenge: challengeOf(challenged),
    cardToken: await card(),
    ...keyed,
    guestEmail: GUEST.email,
    bookingReference: BOOKING,
    bait: {
      payment: bait.id,
      reference: z.string().parse(bait['provider_reference']),
      account: baitAccount.id,
    },
  };
}

async function operationOf(
  platform: Platform,
  { merchantId }: TwoModeHotel,
  payment: string,
): Promise<string> {
  const question = 'select id from operations where merchant_id = $1 and payment_id = $2';
  const [row] = await sql(platform, 'transaction', question, [merchantId, fromPublicId('pay', payment)]);
  return z.object({ id: z.uuid() }).parse(row).id;
}

function terms(): object {
  return { amount: 12_550, currency: 'EUR', booking_reference: BOOKING, guest: GUEST };
}

function missing(what: string): never {
  throw new Error(`the owner has no ${what}`);
}

const nextActionSchema = z.object({ next_action: z.object({ redirect_url: z.string() }) });

function challengeOf(payment: Made): string {
  const { redirect_url: url } = nextActionSchema.parse(payment).next_action;
  return new URL(url).pathname.split('/').at(-1) ?? missing('a challenge');
}

async function chargeWithKey(
  { gatewayUrl }: Platform,
  owner: TwoModeHotel,
  cardToken: string,
): Promise<Pick<Owned, 'key' | 'keyed' | 'keyedBody'>> {
  const key = `owner-key-${randomUUID()}`;
  const keyedBody = { ...terms(), card_token: cardToken };
  const headers = { 'idempotency-key': key };
  const { apiKey } = owner;
  const answer = await send(gatewayUrl, {
    method: 'POST',
    path: '/v1/charge',
    apiKey,
    headers,
    body: keyedBody,
  });
  if (answer.status !== 201) throw new Error(`POST /v1/charge: ${answer.status} ${answer.text}`);
  return { key, keyed: z.object({ id: z.string() }).parse(answer.json).id, keyedBody };
}

/** An operation whose end nobody knows, which the sweeper is told to leave alone for a day. */
async function inDoubt(
  platform: Platform,
  hotel: TwoModeHotel,
  account: string,
  booking: string,
): Promise<Made> {
  const body = { amount: LOST, currency: 'EUR', booking_reference: booking, provider_account: account };
  const payment = await make(platform.gatewayUrl, hotel.apiKey, '/v1/payments', {
    ...body,
    card_token: 'sim_card_visa',
  });
  await leaveAlone(platform, hotel);
  return await waitFor('the operation to be listed as unknown', async () => {
    const operations = await list(platform.gatewayUrl, hotel.apiKey, '/v1/unknown-operations');
    return operations.find((operation) => operation['payment_id'] === payment.id);
  });
}

/** The sweeper would look at what is open again and again, and each look changes a row. */
async function leaveAlone(platform: Platform, { merchantId }: TwoModeHotel): Promise<void> {
  await sql(
    platform,
    'transaction',
    `update operations set due_at = now() + interval '1 day'
      where merchant_id = $1 and state in ('sent', 'unknown')`,
    [merchantId],
  );
}

/** One more, with a verdict on it. */
async function settleOne(platform: Platform, owner: TwoModeHotel, account: string): Promise<void> {
  const { id } = await inDoubt(platform, owner, account, BOOKING);
  const path = `/v1/unknown-operations/${id}/settle`;
  const verdict = { outcome: 'not_happened', evidence: 'The dashboard shows no payment.' };
  await waitFor('the verdict to be taken', async () => {
    const { apiKey } = owner;
    const answer = await send(platform.gatewayUrl, { method: 'POST', path, apiKey, body: verdict });
    if (answer.status === 200) return true;
    // A sweeper may be asking at this very moment.
    if (answer.status !== 409) throw new Error(`POST ${path}: ${answer.status} ${answer.text}`);
    return undefined;
  });
}

const SETTLE_TIMEOUT_MS = 60_000;

/** Waits until Stripe has told everything and it is done with, once more for one that is replayed; answers that one. */
async function atRest(platform: Platform, owner: TwoModeHotel): Promise<Made> {
  const { gatewayUrl } = platform;
  const events = async (): Promise<Made[]> =>
    await list(gatewayUrl, owner.apiKey, '/v1/provider-events?limit=100');
  const settled = async (): Promise<Made[] | undefined> => {
    const told = await events();
    return isToldOf(told) ? told : undefined;
  };
  const told = await waitFor("the owner's events to be processed", settled, SETTLE_TIMEOUT_MS);
  const event = told.find(({ type }) => type === 'charge.refunded') ?? missing('an event');
  await make(gatewayUrl, owner.apiKey, `/v1/provider-events/${event.id}/replay`, {});
  await waitFor('the replayed event to be processed', settled, SETTLE_TIMEOUT_MS);
  return event;
}

/** The dispute and the refund came, and everything is done with. */
function isToldOf(told: readonly Made[]): boolean {
  return (
    told.every((event) => event['state'] === 'processed') &&
    told.some((event) => event['type'] === 'charge.dispute.created') &&
    told.some((event) => event['type'] === 'charge.refunded')
  );
}

/** What the intruder brings: an account, a card, a payment without one, and an open question of its own. */
export async function makeIntruder(
  platform: Platform,
  hotel: TwoModeHotel,
  secretOf: (account: string) => Promise<string>,
): Promise<Intruder> {
  const { gatewayUrl } = platform;
  const simulator = await make(gatewayUrl, hotel.apiKey, '/v1/provider-accounts', {
    provider: 'simulator',
    mode: 'test',
    credentials: {},
  });
  const { id: unknown } = await inDoubt(platform, hotel, simulator.id, INTRUDER_BOOKING);
  const accounts = await list(gatewayUrl, hotel.apiKey, '/v1/provider-accounts');
  const account = accounts.find(({ provider }) => provider === 'stripe')?.id ?? missing('account');
  const created = await make(gatewayUrl, hotel.apiKey, '/v1/payments', {
    amount: 4_400,
    currency: 'EUR',
    booking_reference: INTRUDER_BOOKING,
  });
  return {
    account,
    webhookSecret: await secretOf(account),
    created: created.id,
    cardToken: await captureTestCard(platform, hotel),
    unknown,
  };
}

/** Reads each of the owner's objects with the owner's own key, so that a 404 for others can only mean that they are others. */
export async function readOwned(platform: Platform, owner: TwoModeHotel, owned: Owned): Promise<string[]> {
  const paths = [
    ...[
      owned.created,
      owned.held,
      owned.sold,
      owned.disputed,
      owned.challenged,
      owned.doubtful,
      owned.keyed,
    ].map((id) => `/v1/payments/${id}`),
    `/v1/refunds/${owned.refund}`,
    `/v1/disputes/${owned.dispute}`,
    `/v1/quotes/${owned.quote}`,
    `/v1/provider-accounts/${owned.account}`,
    `/v1/provider-accounts/${owned.simulatorAccount}`,
    `/v1/provider-accounts/${owned.vaultAccount}`,
    `/v1/api-keys/${owned.apiKey}`,
  ];
  for (const path of paths) await get(platform.gatewayUrl, owner.apiKey, path);
  return paths;
}
