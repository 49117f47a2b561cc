import { z } from 'zod';

// What a run leaves behind, and all that `verify` ever reads. One JSON document per line everywhere; database rows are what
// Postgres's own row_to_json makes of them.
//
//   run.json                       what was run (runSchema)
//   client.jsonl                   every request of the load, fsynced (clientLineSchema)
//   nemesis.jsonl                  every fault (nemesisLineSchema)
//   resources.jsonl                memory, descriptors, connections over time (resourceLineSchema)
//   stripe.jsonl, vaultera.jsonl   the simulators' own journals
//   dump/<database>/<table>.jsonl  every row of every table, read at rest
//   keyring.json                   the master keyring, only to see that nothing opens where it should not

/** Names inside a run folder. */
export const RUN_FILES = {
  run: 'run.json',
  client: 'client.jsonl',
  nemesis: 'nemesis.jsonl',
  resources: 'resources.jsonl',
  stripe: 'stripe.jsonl',
  vaultera: 'vaultera.jsonl',
  dump: 'dump',
  keyring: 'keyring.json',
} as const;

export const runSchema = z.object({
  scenario: z.string(),
  seed: z.int(),
  startedAt: z.iso.datetime(),
  /** When the last fault ended and the load stopped. */
  quietAt: z.iso.datetime(),
  hotels: z.array(
    z.object({
      merchantId: z.string(),
      name: z.string(),
      /** `acct_…` of Stripe's journal; empty for a hotel on the built-in simulator. */
      stripeAccount: z.string(),
      provider: z.enum(['stripe', 'simulator']),
    }),
  ),
});
export type RunFacts = z.infer<typeof runSchema>;

/** What was asked for; a `create` is followed by an authorisation in its own right. */
export const ACTIONS = ['charge', 'create', 'authorize', 'capture', 'cancel', 'adjust', 'refund'] as const;
export type Action = (typeof ACTIONS)[number];

const base = {
  seq: z.int(),
  at: z.iso.datetime(),
  /** Of the request: its invoke and its end share it. */ id: z.int(),
};

/**
 * `invoke` is on disk before the request leaves. `ok`: told that it was done (201, 200) or stands as planned (202 is `info`).
 * `fail`: a refusal (4xx with a code), a decline (402) included, or 503: surely nothing sent. `info`: not known: 202, a
 * timeout, a cut connection, a 5xx other than 503.
 */
export const clientLineSchema = z.discriminatedUnion('type', [
  z.object({
    ...base,
    type: z.literal('invoke'),
    merchantId: z.string(),
    action: z.enum(ACTIONS),
    /** The Idempotency-Key. */
    key: z.string(),
    /** `pay_…` in the path; null for charge and create, and for an authorize that makes its own payment (a hold). */
    paymentId: z.string().nullable(),
    /** Minor units; null: all that is left. */
    amount: z.int().nullable(),
    currency: z.string(),
    /** SHA-256 of endpoint and body: two requests with one key are the same exactly when this is. */
    fingerprint: z.string(),
    door: z.string(),
  }),
  z.object({
    ...base,
    type: z.literal('ok'),
    status: z.int(),
    replayed: z.boolean(),
    /** SHA-256 of the answer's bytes. */
    bytes: z.string(),
    paymentId: z.string(),
    /** `re_…` of a refund. */
    refundId: z.string().nullable(),
    /** Of the payment, or of the refund. */
    state: z.string(),
    /** Of the payment as told: minor units. */
    authorized: z.int().nullable(),
    captured: z.int().nullable(),
    refunded: z.int().nullable(),
  }),
  z.object({
    ...base,
    type: z.literal('fail'),
    status: z.int(),
    code: z.string(),
    replayed: z.boolean(),
    bytes: z.string(),
    /** Of a declined charge: the failed payment that it made. */
    paymentId: z.string().nullable(),
  }),
  z.object({
    ...base,
    type: z.literal('info'),
    /** 0 when there was no answer. */
    status: z.int(),
    reason: z.string(),
    paymentId: z.string().nullable(),
  }),
]);
export type ClientLine = z.infer<typeof clientLineSchema>;

export const nemesisLineSchema = z.object({
  at: z.iso.datetime(),
  /** `begin` and `end` of one fault share it. */
  id: z.int(),
  type: z.enum(['begin', 'end']),
  fault: z.string(),
  target: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
export type NemesisLine = z.infer<typeof nemesisLineSchema>;

export const resourceLineSchema = z.object({
  at: z.iso.datetime(),
  /** `baseline` before the load, `running`, `rest` after the quiet time. */
  phase: z.enum(['baseline', 'running', 'rest']),
  /** A replica's name. */
  process: z.string(),
  /** A restart gives it another one. */
  pid: z.int(),
  rssBytes: z.int(),
  descriptors: z.int(),
});
export type ResourceLine = z.infer<typeof resourceLineSchema>;
