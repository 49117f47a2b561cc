import { randomBytes } from 'node:crypto';
import { after, before } from 'node:test';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { pauseMs } from '@centra/testkit/pause.ts';
import { request } from 'undici';
import { z } from 'zod';
import { newCharge, newHosted, opened } from '../testing/attempts.ts';
import { chargesAtStripe } from '../testing/rows.ts';
import { send } from '../testing/simulators.ts';
import { startWorld } from '../testing/world.ts';
import type { Hotel, World } from '../testing/world.ts';
import { createCardVaults } from './card-transport.ts';
import { conformance } from './conformance.ts';
import type { CardKind, Fault } from './conformance/subject.ts';
import type { ChargeAttempt, Provider } from './provider.ts';
import { SIMULATOR_CAPABILITIES, createSimulator } from './simulator/simulator.ts';
import type { Simulator } from './simulator/simulator.ts';
import { createStripe } from './stripe/stripe.ts';
import { createVaultera } from './vaultera/vaultera.ts';

const DAY_MS = 24 * 60 * 60_000;
const CHALLENGE_URL = 'http://127.0.0.1/v1/simulator/challenges';
// Soon enough not to be waited for long, late enough to be seen as pending on a loaded machine.
const REFUND_DELAY_MS = 3_000;

let world: World;
let vaultera: ReturnType<typeof createVaultera>;
let pool: Pool;
let simulator: Simulator;
let stripes: Record<'ordinary' | 'impatient' | 'unreachable', Provider & { close(): void }>;

before(async () => {
  world = await startWorld();
  const { stripeApiUrl, vaulteraBaseUrl, databaseUrl, failpoint } = world.config();
  vaultera = createVaultera({ baseUrl: vaulteraBaseUrl, timeoutMs: 15_000 });
  const vaults = createCardVaults({ vaultera });
  const log = createLog('test', 'silent');
  pool = createPool({ url: databaseUrl, max: 6, applicationName: 'test', log });
  simulator = createSimulator({
    vaults,
    pool,
    challengeUrl: CHALLENGE_URL,
    refundDelayMs: REFUND_DELAY_MS,
  });
  const stripe = (apiUrl: string, timeoutMs: number): Provider & { close(): void } =>
    createStripe({ apiUrl, timeoutMs, vaults, failpoint });
  stripes = {
    ordinary: stripe(stripeApiUrl, 15_000),
    impatient: stripe(stripeApiUrl, 1_500),
    unreachable: stripe('http://127.0.0.1:1', 15_000),
  };
});
after(async () => {
  for (const stripe of Object.values(stripes)) stripe.close();
  await vaultera.close();
  await pool.end();
  await world.close();
});

const NUMBERS: Readonly<Record<Exclude<CardKind, 'unknown'>, string>> = {
  approved: '4242424242424242',
  declined: '4000000000009995',
  challenged: '4000002760003184',
  challenged_then_declined: '4000008260003178',
  refund_pending: '4000000000007726',
  refund_pending_fails: '4000000000007726',
  refund_fails_later: '4000000000005126',
  disputed: '4000000000000259',
};

async function vaulted(hotel: Hotel, card: CardKind): Promise<string> {
  return card === 'unknown'
    ? randomBytes(16).toString('hex')
    : await world.vaultera.card(hotel.vaultKey, NUMBERS[card]);
}

async function chargeOf(
  provider: 'stripe' | 'simulator',
  card: CardKind,
  change: Partial<ChargeAttempt> = {},
): Promise<ChargeAttempt> {
  const isStripe = provider === 'stripe';
  const hotel = isStripe ? await world.stripeHotel() : await world.simulatorHotel();
  const secrets: Record<string, string> = isStripe ? { secret_key: hotel.secretKey } : {};
  // No published number has refunds that are pending and fail; at Stripe the test decides what becomes of them.
  const token =
    card === 'refund_pending_fails' && !isStripe
      ? 'sim_card_refund_pending_fails'
      : await vaulted(hotel, card);
  return newCharge(opened(hotel.providerAccountId, provider, secrets), token, {
    vaultAccount: opened(hotel.vaultAccountId, 'vaultera', { api_key: hotel.vaultKey }),
    ...change,
  });
}

const faultListSchema = z.object({ faults: z.array(z.object({ fired: z.number() })) });

async function control(path: string, body: Record<string, unknown>): Promise<void> {
  await send('POST', `${world.stripe.url}/_control${path}`, body);
}

// Only what the adapter itself asks Stripe; the way through the vault has tests of its own (vault-faults.test.ts).
const STRIPE_PATH = '^/v1/(payment_intents|refunds)';

/** Each stays armed for as long as the test keeps it; those of one method leave the other kind of call alone. */
const STRIPE_FAULTS: readonly Fault[] = (
  [
    ['Stripe acts and cuts the connection', { fault: 'act_then_drop', method: 'POST' }],
    ['Stripe cuts the connection before it acts', { fault: 'drop_before_act', method: 'POST' }],
    ['Stripe cuts every connection', { fault: 'drop_before_act' }],
    ['Stripe answers too late', { fault: 'answer_late', method: 'POST', delay_ms: 4_000 }],
    ['Stripe fails before it acts', { fault: 'error_before', status: 500 }],
    ['Stripe fails before it acts and repeats that', { fault: 'error_before', status: 500, stored: true }],
    ['Stripe acts and says 500 for ever', { fault: 'error_after', method: 'POST', status: 500 }],
    ['Stripe acts and says 503', { fault: 'error_after', method: 'POST', status: 503, stored: false }],
    ['Stripe is over its rate limit', { fault: 'rate_limit' }],
    ['Stripe cannot get its lock', { fault: 'lock_timeout' }],
    ['Stripe finds the key in use', { fault: 'idempotency_in_use', method: 'POST' }],
    ["the hotel's key is revoked", { fault: 'revoked_credential' }],
    ["Stripe's answers drip", { fault: 'slow_drip', bytes_per_second: 20 }],
    ["Stripe's answers are cut in half", { fault: 'truncated_body' }],
    ['Stripe reads what was a while ago', { fault: 'stale_get', for_ms: 5_000 }],
    ['Stripe does not find what is new', { fault: 'not_found_after_create', for_ms: 5_000 }],
  ] as const
).map(([name, fault]) => ({
  name,
  arm: async () => await world.stripe.arm({ path: STRIPE_PATH, times: 0, ...fault }),
}));

conformance({
  name: 'stripe',
  declares: {
    idempotencyWindowMs: DAY_MS,
    lookupByReference: true,
    cancelChallenge: true,
    manualCapture: true,
    partialCapture: true,
    multipleCapture: 'per_hold',
    incrementalAuthorization: 'per_hold',
    decreaseAuthorization: false,
    overcapture: 'per_hold',
    partialApproval: false,
    hostedPage: true,
    holdExpiry: 'provider',
    refundWindowDays: undefined,
    partialRefunds: true,
    events: true,
  },
  provider: () => stripes.ordinary,
  unreachable: () => stripes.unreachable,
  impatient: () => stripes.impatient,
  attempt: async (card, change) => await chargeOf('stripe', card, change),
  async hosted(change) {
    const { account } = await chargeOf('stripe', 'unknown');
    return newHosted(account, change);
  },
  async answerChallenge(redirectUrl, approve) {
    const reply = await request(`${redirectUrl}/${approve ? 'approve' : 'fail'}`, { method: 'POST' });
    await reply.body.dump();
  },
  async payOnPage(redirectUrl) {
    const session = /cs_[A-Za-z0-9_]+/.exec(redirectUrl)?.[0] ?? '';
    const reply = await request(`${world.stripe.url}/_control/checkout/sessions/${session}/pay`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    await reply.body.dump();
    return reply.statusCode === 200;
  },
  async lapsedHold() {
    const attempt = await chargeOf('stripe', 'approved', { captureMethod: 'manual' });
    const outcome = await stripes.ordinary.charge(attempt);
    await control('/clock', { advance_ms: 8 * DAY_MS });
    return { attempt, reference: 'providerReference' in outcome ? (outcome.providerReference ?? '') : '' };
  },
  settleRefund: async (reference, status) => await control(`/refunds/${reference}`, { status }),
  effects: async ({ operationId }) => await chargesAtStripe(world, operationId),
  faults: STRIPE_FAULTS,
  clearFaults: async () => await world.stripe.clearFaults(),
  async faultsStruck() {
    const seen = faultListSchema.parse(await send('GET', `${world.stripe.url}/_control/faults`));
    return seen.faults.reduce((sum, { fired }) => sum + fired, 0);
  },
  async credentials() {
    const { secretKey, stripeAccount: id } = await world.stripeHotel();
    const restricted = async (...permissions: string[]): Promise<Record<string, string>> => {
      const key = `rk_test_${randomBytes(12).toString('hex')}`;
      await world.stripe.account(key, { id, permissions });
      return { secret_key: key };
    };
    return {
      valid: { secret_key: secretKey },
      wrong: { secret_key: `sk_test_${randomBytes(12).toString('hex')}` },
      insufficient: [
        await restricted('rak_payment_intent_write', 'rak_payment_method_write'),
        await restricted('rak_accounts_read', 'rak_payment_method_write'),
        await restricted('rak_accounts_read', 'rak_payment_intent_write'),
        await restricted('rak_accounts_read', 'rak_payment_intent_read', 'rak_payment_method_read'),
      ],
      ofOtherMode: { mode: 'test', credentials: { secret_key: secretKey.replace('sk_test_', 'sk_live_') } },
    };
  },
});

/** The built-in simulator's faults come with the amount. */
const SIMULATOR_FAULTS: readonly Fault[] = (
  [
    ['the answer is lost', 66_610n, 66_640n],
    ['the call is lost', 66_611n, 66_641n],
    ['the answer is lost and the first lookup is stale', 66_612n, 66_642n],
    ['nobody answers at first', 66_631n, 66_643n],
    ['the answer takes its time', 66_620n, 66_644n],
  ] as const
).map(([name, charge, followUp]) => ({ name, amounts: { charge, followUp }, arm: async () => {} }));

/** Answers the simulator's page; false when it takes no answer any more. */
async function answerPage(redirectUrl: string, approve: boolean): Promise<boolean> {
  try {
    await simulator.challenges.answer(redirectUrl.slice(CHALLENGE_URL.length + 1), approve);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'state_conflict') return false;
    throw error;
  }
}

conformance({
  name: 'simulator',
  declares: SIMULATOR_CAPABILITIES,
  provider: () => simulator,
  impatient: () => simulator,
  attempt: async (card, change) => await chargeOf('simulator', card, change),
  async hosted(change) {
    const { account } = await chargeOf('simulator', 'unknown');
    return newHosted(account, change);
  },
  answerChallenge: async (redirectUrl, approve) => void (await answerPage(redirectUrl, approve)),
  async payOnPage(redirectUrl) {
    const token = redirectUrl.slice(CHALLENGE_URL.length + 1);
    // Paying twice is the same answer twice, which the page takes; what it says it is, is over.
    if ((await simulator.challenges.read(token)).isOver) return false;
    return await answerPage(redirectUrl, true);
  },
  async lapsedHold() {
    const createdAt = new Date(Date.now() - 8 * DAY_MS);
    const attempt = await chargeOf('simulator', 'approved', { captureMethod: 'manual', createdAt });
    const outcome = await simulator.charge(attempt);
    return { attempt, reference: 'providerReference' in outcome ? (outcome.providerReference ?? '') : '' };
  },
  settleRefund: async () => await pauseMs(REFUND_DELAY_MS),
  faults: SIMULATOR_FAULTS,
  clearFaults: async () => {},
  credentials: async () => ({ valid: {}, ofOtherMode: { mode: 'live', credentials: {} } }),
});
