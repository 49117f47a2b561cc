import { z } from 'zod';
import {
  amountSchema,
  bookingShape,
  cardTokenSchema,
  currencySchema,
  guestUrlSchema,
  providerAccountSchema,
  returnUrlSchema,
} from '../charges/charge.ts';
import { captureMethodSchema, initiationSchema } from './payment.ts';

const extrasSchema = z
  .strictObject({
    multiple_capture: z.boolean().optional(),
    incremental: z.boolean().optional(),
    overcapture: z.boolean().optional(),
    extended: z.boolean().optional(),
  })
  .meta({
    description:
      'What is wished for beyond a plain hold: several captures, raising it, capturing more than was authorised, a ' +
      'longer life. Each is given only if provider, account and card allow; `hold` of the payment tells.',
    example: { incremental: true },
  });

// Stripe's Checkout Session lives 30 minutes at least and 24 hours at most; a contract of ours should not depend on which
// provider a hotel has.
const HOSTED_MINUTES_MIN = 30;
const HOSTED_MINUTES_MAX = 1_440;
export const HOSTED_MINUTES_DEFAULT = 60;

const hostedSchema = z
  .strictObject({
    success_url: guestUrlSchema.meta({
      description: 'Where the page sends the guest after paying',
      example: 'https://hotel.example/booking/BK-20931/paid',
    }),
    cancel_url: guestUrlSchema.meta({
      description: 'Where it sends a guest who turns back',
      example: 'https://hotel.example/booking/BK-20931',
    }),
    expires_in_minutes: z
      .int()
      .min(HOSTED_MINUTES_MIN)
      .max(HOSTED_MINUTES_MAX)
      .optional()
      .meta({ description: `Until the page closes; ${HOSTED_MINUTES_DEFAULT} when absent` }),
  })
  .meta({ description: "Let the guest pay on the provider's page, instead of a card token" });

const networkTransactionId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
  .meta({ description: "The network's id of the guest's own first payment; only with initiation merchant" });

/** The body of `POST /v1/payments`; the rules between its fields are below. */
export const newPaymentSchema = z
  .strictObject({
    amount: amountSchema.optional(),
    currency: currencySchema.optional(),
    quote_id: z.string().max(64).optional().meta({
      description: 'A quote of yours, which says amount and currency; they may be left out or must be equal',
    }),
    card_token: cardTokenSchema.optional(),
    hosted: hostedSchema.optional(),
    ...bookingShape,
    return_url: returnUrlSchema.optional(),
    provider_account: providerAccountSchema.optional(),
    capture_method: captureMethodSchema.optional(),
    initiation: initiationSchema.optional(),
    original_network_transaction_id: networkTransactionId.optional(),
    extras: extrasSchema.optional(),
    allow_partial_approval: z
      .boolean()
      .optional()
      .meta({ description: 'Accept that the bank approves less than the amount' }),
    retry_soft_declines: z.boolean().optional().meta({
      description: 'Try soft declines again by policy; only with initiation merchant or moto',
    }),
  })
  .superRefine((body, context) => {
    for (const [field, message] of brokenRules(body))
      context.addIssue({ code: 'custom', path: [field], message });
  })
  .meta({ id: 'PaymentRequest' });

export type NewPayment = z.infer<typeof newPaymentSchema>;

/** The rules between fields, each with the field that breaks it. */
function brokenRules(body: {
  amount?: number | undefined;
  currency?: string | undefined;
  quote_id?: string | undefined;
  card_token?: string | undefined;
  hosted?: object | undefined;
  return_url?: string | undefined;
  initiation?: string | undefined;
  original_network_transaction_id?: string | undefined;
  retry_soft_declines?: boolean | undefined;
}): [field: string, reason: string][] {
  const broken: [string, string][] = [];
  const isGuestThere = body.initiation === undefined || body.initiation === 'customer';
  if (body.quote_id === undefined && body.amount === undefined)
    broken.push(['amount', 'is needed without quote_id']);
  if (body.quote_id === undefined && body.currency === undefined)
    broken.push(['currency', 'is needed without quote_id']);
  if (body.hosted !== undefined && body.card_token !== undefined)
    broken.push(['card_token', 'must be left out with hosted']);
  if (body.hosted !== undefined && !isGuestThere)
    broken.push(['initiation', 'must be customer with hosted, where the guest pays']);
  if (body.return_url !== undefined && body.card_token === undefined)
    broken.push(['return_url', 'belongs to the request that brings the card token']);
  if (body.original_network_transaction_id !== undefined && body.initiation !== 'merchant')
    broken.push(['original_network_transaction_id', 'is only for initiation merchant']);
  if (body.retry_soft_declines === true && isGuestThere)
    broken.push(['retry_soft_declines', 'is only for initiation merchant or moto']);
  return broken;
}
