import { z } from 'zod';

import { requiredText, text } from '../http/params.ts';
import { resourceMissing } from '../http/stripe-error.ts';

const TEXTS = [
  'access_activity_log',
  'billing_address',
  'cancellation_policy_disclosure',
  'cancellation_rebuttal',
  'customer_email_address',
  'customer_name',
  'customer_purchase_ip',
  'duplicate_charge_explanation',
  'duplicate_charge_id',
  'product_description',
  'refund_policy_disclosure',
  'refund_refusal_explanation',
  'service_date',
  'shipping_address',
  'shipping_carrier',
  'shipping_date',
  'shipping_tracking_number',
  'uncategorized_text',
] as const;

/** Evidence that is the id of an uploaded file. */
const FILES = [
  'cancellation_policy',
  'customer_communication',
  'customer_signature',
  'duplicate_charge_documentation',
  'receipt',
  'refund_policy',
  'service_documentation',
  'shipping_documentation',
  'uncategorized_file',
] as const;

/** Stripe's limit for one text. */
const TEXT_MAX = 20_000;

type TextName = (typeof TEXTS)[number];
type FileName = (typeof FILES)[number];

export type Evidence = Record<TextName, string | null> &
  Record<FileName, null> & { enhanced_evidence: Record<string, never> };

export const NO_EVIDENCE: Evidence = {
  ...blank(TEXTS),
  ...blank(FILES),
  enhanced_evidence: {},
};

const evidenceText = text(TEXT_MAX).optional();
const fileId = requiredText(255).optional();

export const evidenceSchema = z.strictObject({
  ...shapeOf(TEXTS, evidenceText),
  ...shapeOf(FILES, fileId),
});

export type EvidenceParams = z.output<typeof evidenceSchema>;

/** The evidence with what was given; an empty text removes one. Throws resource_missing for a file, since none can be uploaded here. */
export function withEvidence(before: Evidence, given: EvidenceParams | undefined): Evidence {
  for (const name of FILES) {
    const file = given?.[name];
    if (file !== undefined) throw resourceMissing('file upload', file, `evidence[${name}]`, 400);
  }
  const changed = TEXTS.flatMap((name) => {
    const value = given?.[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...before, ...Object.fromEntries(changed) };
}

export function hasEvidence(evidence: Evidence): boolean {
  return TEXTS.some((name) => evidence[name] !== null);
}

function blank<N extends string>(names: readonly N[]): Record<N, null>;
function blank(names: readonly string[]): Record<string, null> {
  return Object.fromEntries(names.map((name) => [name, null]));
}

function shapeOf<N extends string, S>(names: readonly N[], schema: S): Record<N, S>;
function shapeOf<S>(names: readonly string[], schema: S): Record<string, S> {
  return Object.fromEntries(names.map((name) => [name, schema]));
}
