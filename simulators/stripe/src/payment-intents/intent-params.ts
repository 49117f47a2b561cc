import { z } from 'zod';

import type { ApiRequest } from '../http/api-request.ts';
import {
  boolean,
  expand,
  integer,
  metadata,
  requiredText,
  scalar,
  text,
  unknownParameters,
  url,
} from '../http/params.ts';
import { invalidParameter } from '../http/stripe-error.ts';
import { paymentMethodData } from '../payment-methods/new-payment-method.ts';
import type { CardOptions, FutureUsage, Initiation, PaymentIntent } from './payment-intent.ts';

const ifAvailable = z.enum(['if_available', 'never']);

export const cardOptions = z.strictObject({
  request_three_d_secure: z.enum(['any', 'automatic', 'challenge']).optional(),
  request_incremental_authorization: ifAvailable.optional(),
  request_multicapture: ifAvailable.optional(),
  request_extended_authorization: ifAvailable.optional(),
  request_overcapture: ifAvailable.optional(),
  moto: boolean.optional(),
  mit_exemption: z
    .strictObject({
      claim_without_transaction_id: boolean.optional(),
      network_transaction_id: text(255).optional(),
    })
    .optional(),
});

/** Only cards are simulated; other types are refused the way Stripe refuses one that is not activated. */
const paymentMethodType = scalar<string>((type) => {
  if (type === 'card') return type;
  const message =
    `The payment method type provided: ${type.slice(0, 50)} is invalid. Please ensure the provided type is activated in your dashboard ` +
    '(https://dashboard.stripe.com/account/payments/settings) and your account is enabled for any preview features that you are trying to use.';
  return { problem: { message, code: 'payment_intent_invalid_parameter' } };
});

/** What describes a payment, at creation and update. */
export const intentShape = {
  allowed_payment_method_types: z.array(paymentMethodType).min(1).max(20).optional(),
  capture_method: z.enum(['automatic', 'automatic_async', 'manual']).optional(),
  description: text(1_000).optional(),
  expand,
  metadata: metadata.optional(),
  payment_method: requiredText(255).optional(),
  payment_method_data: paymentMethodData.optional(),
  payment_method_options: z.strictObject({ card: cardOptions.optional() }).optional(),
  payment_method_types: z.array(paymentMethodType).min(1).max(20).optional(),
  receipt_email: text(800).optional(),
  setup_future_usage: z.enum(['off_session', 'on_session', '']).optional(),
  statement_descriptor_suffix: text(100).optional(),
  transfer_group: text(255).optional(),
};

/** What steers one confirmation. */
export const confirmShape = {
  error_on_requires_action: boolean.optional(),
  off_session: boolean.optional(),
  return_url: url.optional(),
  use_stripe_sdk: boolean.optional(),
};

export const createSchema = z.strictObject({
  ...intentShape,
  ...confirmShape,
  amount: integer,
  currency: requiredText(20),
  automatic_payment_methods: z
    .strictObject({ enabled: boolean, allow_redirects: z.enum(['always', 'never']).optional() })
    .optional(),
  confirm: boolean.optional(),
  confirmation_method: z.enum(['automatic']).optional(),
});

export const updateSchema = z.strictObject({
  ...intentShape,
  amount: integer.optional(),
  currency: requiredText(20).optional(),
});

export const confirmSchema = z.strictObject({
  ...confirmShape,
  allowed_payment_method_types: intentShape.allowed_payment_method_types,
  capture_method: intentShape.capture_method,
  expand,
  payment_method: intentShape.payment_method,
  payment_method_data: intentShape.payment_method_data,
  payment_method_options: intentShape.payment_method_options,
  payment_method_types: intentShape.payment_method_types,
  receipt_email: intentShape.receipt_email,
  setup_future_usage: intentShape.setup_future_usage,
});

export type CreateParams = z.output<typeof createSchema>;
export type UpdateParams = z.output<typeof updateSchema>;
export type ConfirmParams = z.output<typeof confirmSchema>;

/** The first API version without `payment_method_types`; `allowed_payment_method_types` took its place. */
const VERSION_OF_ALLOWED_TYPES = '2026-09-30';

/**
 * The payment method types a request allows; undefined when it leaves them alone.
 * Throws for the old parameter under a version that no longer has it, and for both at once.
 */
export function allowedTypes(
  request: Pick<ApiRequest, 'apiVersion'>,
  params: Pick<UpdateParams, TypesParam>,
): string[] | undefined {
  refuseBoth(params, 'allowed_payment_method_types', 'payment_method_types');
  const isRemoved = request.apiVersion !== null && request.apiVersion >= VERSION_OF_ALLOWED_TYPES;
  if (params.payment_method_types && isRemoved) throw unknownParameters([], ['payment_method_types']);
  return params.allowed_payment_method_types ?? params.payment_method_types;
}

/** Naming the types switches the dashboard's choice off. */
export function typesChange(types: string[] | undefined): Partial<PaymentIntent> {
  return types ? { allowed_payment_method_types: types, automatic_payment_methods: null } : {};
}

type TypesParam = 'allowed_payment_method_types' | 'payment_method_types';

/** Throws when parameters were given that exclude each other. */
export function refuseBoth(params: Record<string, unknown>, first: string, second: string): void {
  if (params[first] === undefined || params[second] === undefined) return;
  throw invalidParameter(
    `You may only specify one of these parameters: ${first}, ${second}.`,
    first,
    'parameters_exclusive',
  );
}

/** The card options that were given, without the ones that were not. */
export function givenCardOptions(params: Pick<UpdateParams, 'payment_method_options'>): Partial<CardOptions> {
  const { moto: _moto, mit_exemption: _exemption, ...shown } = params.payment_method_options?.card ?? {};
  return Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined));
}

/** What a request says about how the merchant came by the card; what it leaves out stays as it was. */
export function givenInitiation(
  params: Pick<UpdateParams, 'payment_method_options'> & { off_session?: boolean | undefined },
  before: Initiation | undefined,
): Initiation {
  const card = params.payment_method_options?.card;
  return {
    moto: card?.moto ?? before?.moto ?? false,
    mitExemption: card?.mit_exemption ? true : (before?.mitExemption ?? false),
    offSession: params.off_session ?? before?.offSession ?? false,
  };
}

/** An empty text unsets it. */
export function futureUsage(
  given: UpdateParams['setup_future_usage'],
  before: FutureUsage | null,
): FutureUsage | null {
  if (given === undefined) return before;
  return given === '' ? null : given;
}
