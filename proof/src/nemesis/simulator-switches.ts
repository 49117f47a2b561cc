import type { Seeded } from '@centra/testkit/seeded.ts';

/** The body of `POST /_control/faults` of a simulator. */
export type SimulatorSwitch = { fault: string; [parameter: string]: string | number | boolean };

type Draw = (random: Seeded) => SimulatorSwitch;

// Every write that moves money or ends a hold; creating the payment method before it is as exposed to the network.
const STRIPE_WRITES = [
  '^/v1/payment_intents$',
  '^/v1/payment_intents/[^/]+/(capture|cancel|confirm|increment_authorization)$',
  '^/v1/refunds$',
  '^/v1/payment_methods$',
];
const WEBHOOKS = '/v1/webhooks/stripe/';
const SEND = '^/api/v1/cards/[^/]+/send';

/** One of Stripe's misbehaviours, with times below what the stage waits for, or somewhat above it. */
export function drawStripeSwitch(random: Seeded): SimulatorSwitch {
  return random.oneOf(STRIPE_SWITCHES)(random);
}

/** One of the vault's. */
export function drawVaulteraSwitch(random: Seeded): SimulatorSwitch {
  return random.oneOf(VAULTERA_SWITCHES)(random);
}

/** As often and as likely as leaves some requests alone; which of them is up to the seed as well. */
function often(random: Seeded): { times: number; probability: number; seed: number } {
  return {
    times: random.between(1, 8),
    probability: random.between(5, 10) / 10,
    seed: random.between(1, 1_000_000),
  };
}

const onWrites =
  (fault: string, more: (random: Seeded) => Record<string, string | number | boolean> = () => ({})): Draw =>
  (random) => ({
    fault,
    method: 'POST',
    path: random.oneOf(STRIPE_WRITES),
    ...often(random),
    ...more(random),
  });
const onReads =
  (fault: string, more: (random: Seeded) => Record<string, number>): Draw =>
  (random) => ({ fault, method: 'GET', path: '/v1/', ...often(random), ...more(random) });
const onWebhooks =
  (fault: string, more: (random: Seeded) => Record<string, number | boolean> = () => ({})): Draw =>
  (random) => ({ fault, path: WEBHOOKS, ...often(random), ...more(random) });

const serverError = (random: Seeded): { status: number } => ({ status: random.oneOf([500, 502, 503]) });
/** The stage gives a provider two seconds. */
const lateness = (random: Seeded): { delay_ms: number } => ({ delay_ms: random.between(300, 4_000) });
const drip = (random: Seeded): { bytes_per_second: number } => ({
  bytes_per_second: random.between(200, 4_000),
});

// All that the simulator has, but `forget_keys`: Stripe keeps them for 24 h, and what we send relies on that; and
// `webhook_other_account`, which needs a second hotel (permutations proves that one).
const STRIPE_SWITCHES: readonly Draw[] = [
  onWrites('act_then_drop'),
  onWrites('drop_before_act'),
  onWrites('answer_late', lateness),
  onWrites('error_before', (random) => ({ ...serverError(random), stored: random.chance(0.3) })),
  onWrites('error_after', serverError),
  onWrites('rate_limit'),
  onWrites('lock_timeout'),
  onWrites('idempotency_in_use'),
  onWrites('revoked_credential'),
  onWrites('slow_drip', drip),
  onWrites('truncated_body'),
  onReads('stale_get', (random) => ({ for_ms: random.between(500, 3_000) })),
  onReads('not_found_after_create', (random) => ({ for_ms: random.between(500, 3_000) })),
  (random) => ({
    fault: 'increment_declined',
    method: 'POST',
    path: '/increment_authorization$',
    ...often(random),
  }),
  onWrites('settle_late', (random) => ({ for_ms: random.between(300, 3_000) })),
  onWrites('webhook_before_reply'),
  onWebhooks('webhook_duplicate', (random) => ({
    copies: random.between(2, 5),
    new_id: random.chance(0.5),
  })),
  onWebhooks('webhook_reorder', (random) => ({ hold_ms: random.between(200, 2_000) })),
  onWebhooks('webhook_delay', lateness),
  onWebhooks('webhook_lose'),
  onWebhooks('webhook_bad_signature'),
];

const onSend =
  (fault: string, more: (random: Seeded) => Record<string, string | number | boolean> = () => ({})): Draw =>
  (random) => ({ fault, path: SEND, ...often(random), ...more(random) });

// All but `session_rejected`, which is about the form in the guest's browser: nobody is in front of one here.
const VAULTERA_SWITCHES: readonly Draw[] = [
  onSend('act_then_drop'),
  onSend('drop_before_act'),
  onSend('answer_late', lateness),
  onSend('error_before', serverError),
  onSend('error_after', serverError),
  onSend('rate_limit', (random) => ({ retry_after_seconds: random.between(1, 3) })),
  onSend('slow_drip', drip),
  onSend('truncated_body'),
  onSend('revoked_credential'),
  onSend('card_not_found'),
  onSend('target_acts_then_timeout', (random) => ({ delay_ms: random.between(0, 1_500) })),
  onSend('target_acts_then_drop'),
  onSend('cvv_wiped'),
  onSend('html_error', (random) => ({ act: random.chance(0.5) })),
];
