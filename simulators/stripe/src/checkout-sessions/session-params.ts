import { z } from 'zod';

import { boolean, expand, integer, metadata, requiredText, scalar, text, url } from '../http/params.ts';
import { cardOptions, intentShape } from '../payment-intents/intent-params.ts';

/** Stripe takes at most this many lines in `payment` mode. */
const LINES_MAX = 100;

const LOCALES = (
  'auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru sk sl sv th tr ' +
  'vi zh zh-HK zh-TW'
).split(' ');

const email = scalar<string>((value) => {
  if (value.length <= 800 && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)) return value;
  return { problem: { message: `Invalid email address: ${value.slice(0, 100)}`, code: 'email_invalid' } };
});

const productData = z.strictObject({
  description: requiredText(40_000).optional(),
  images: z.array(url).max(8).optional(),
  metadata: metadata.optional(),
  name: requiredText(),
  tax_code: requiredText(100).optional(),
  unit_label: requiredText(12).optional(),
});

const priceData = z.strictObject({
  currency: requiredText(20),
  product: requiredText(255).optional(),
  product_data: productData.optional(),
  tax_behavior: z.enum(['exclusive', 'inclusive', 'unspecified']).optional(),
  unit_amount: integer.optional(),
});

const lineItem = z.strictObject({
  metadata: metadata.optional(),
  price: requiredText(255).optional(),
  price_data: priceData.optional(),
  quantity: integer.optional(),
});

export type LineParams = z.output<typeof lineItem>;

const paymentIntentData = z.strictObject({
  capture_method: intentShape.capture_method,
  description: requiredText(1_000).optional(),
  metadata: metadata.optional(),
  receipt_email: requiredText(800).optional(),
  setup_future_usage: z.enum(['off_session', 'on_session']).optional(),
  statement_descriptor_suffix: requiredText(100).optional(),
  transfer_group: requiredText(255).optional(),
});

/** On the page the guest is there: nothing can be an order by telephone or an earlier agreement. */
const sessionCardOptions = cardOptions.omit({ moto: true, mit_exemption: true });

/** What `POST /v1/checkout/sessions` takes for a hosted card payment. */
export const sessionSchema = z.strictObject({
  allowed_payment_method_types: intentShape.allowed_payment_method_types,
  cancel_url: url.optional(),
  client_reference_id: requiredText(200).optional(),
  customer_creation: z.enum(['if_required']).optional(),
  customer_email: email.optional(),
  expand,
  expires_at: integer.optional(),
  line_items: z.array(lineItem).min(1).max(LINES_MAX),
  locale: scalar<string>((value) =>
    LOCALES.includes(value)
      ? value
      : { problem: { message: `Invalid locale: must be one of ${LOCALES.join(', ')}` } },
  ).optional(),
  metadata: metadata.optional(),
  mode: z.enum(['payment']),
  payment_intent_data: paymentIntentData.optional(),
  payment_method_options: z.strictObject({ card: sessionCardOptions.optional() }).optional(),
  payment_method_types: intentShape.payment_method_types,
  phone_number_collection: z.strictObject({ enabled: boolean }).optional(),
  submit_type: z.enum(['auto', 'book', 'donate', 'pay']).optional(),
  success_url: url,
  ui_mode: text(50).optional(),
});

export type SessionParams = z.output<typeof sessionSchema>;
