import { z } from 'zod';

// The columns that are judged, as `row_to_json` writes them; all others are left out. Times are text in UTC.

/** Minor units, or anything else that may not lose a digit. */
const exact = z.bigint();
/** A count that a double holds. */
const whole = z.bigint().transform(Number);
const uuid = z.string();

export const paymentRow = z.object({
  merchant_id: uuid,
  id: uuid,
  mode: z.string(),
  status: z.string(),
  version: whole,
  amount_minor: exact,
  currency: z.string(),
  authorized_minor: exact,
  captured_minor: exact,
  refunded_minor: exact,
  authorize_pending_minor: exact,
  capture_pending_minor: exact,
  refund_pending_minor: exact,
  overcapture_minor: exact,
  hold_open: z.boolean(),
  hold_expires_at: z.string().nullable(),
  busy_operation_id: uuid.nullable(),
  cancellation_reason: z.string().nullable(),
  provider: z.string(),
  provider_account_id: uuid,
  provider_reference: z.string().nullable(),
});
export type PaymentRow = z.infer<typeof paymentRow>;

export const operationRow = z.object({
  merchant_id: uuid,
  id: uuid,
  payment_id: uuid,
  kind: z.string(),
  state: z.string(),
  attempt: whole,
  sequence: whole,
  due_at: z.string(),
  may_have_charged: z.boolean(),
  fingerprint: z.string(),
  amount_minor: exact,
  settled_minor: exact.nullable(),
  currency: z.string(),
  provider: z.string(),
  provider_account_id: uuid,
  provider_account_version: whole,
  vault_account_id: uuid.nullable(),
  vault_account_version: whole.nullable(),
  provider_reference: z.string().nullable(),
  unknown_reason: z.string().nullable(),
  escalated_at: z.string().nullable(),
  reason: z.string(),
});
export type OperationRow = z.infer<typeof operationRow>;

export const paymentEventRow = z.object({
  merchant_id: uuid,
  payment_id: uuid,
  version: whole,
  type: z.string(),
  from_status: z.string().nullable(),
  to_status: z.string(),
  operation_id: uuid,
  details: z.record(z.string(), z.unknown()),
  at: z.string(),
  authorized_minor: exact,
  captured_minor: exact,
  refunded_minor: exact,
  hold_open: z.boolean(),
});
export type PaymentEventRow = z.infer<typeof paymentEventRow>;

export const outboxRow = z.object({
  merchant_id: uuid,
  payment_id: uuid,
  version: whole,
  event_id: uuid,
  type: z.string(),
});

export const providerEventRow = z.object({
  merchant_id: uuid,
  id: uuid,
  provider_account_id: uuid,
  provider_event_id: z.string(),
  type: z.string(),
  state: z.string(),
  reason: z.string(),
  payment_id: uuid.nullable(),
});
export type ProviderEventRow = z.infer<typeof providerEventRow>;

export const providerReferenceRow = z.object({
  provider_reference: z.string(),
  merchant_id: uuid,
  payment_id: uuid,
});
export const verdictRow = z.object({ merchant_id: uuid, operation_id: uuid });
export const replayRow = z.object({ merchant_id: uuid, event_id: uuid });
export const disputeRow = z.object({ merchant_id: uuid, id: uuid, payment_id: uuid });
export const disputeEventRow = z.object({ merchant_id: uuid, dispute_id: uuid, provider_event_id: uuid });

export const simulatorEffectRow = z.object({
  account_id: z.string(),
  provider_key: z.string(),
  seq: exact,
  reference: z.string(),
  kind: z.string(),
  amount_minor: exact,
  state: z.string(),
  settles_at: z.string().nullable(),
  settled_state: z.string().nullable(),
});
export type SimulatorEffectRow = z.infer<typeof simulatorEffectRow>;

export const simulatorChallengeRow = z.object({
  account_id: z.string(),
  reference: z.string(),
  operation_id: uuid,
  state: z.string(),
  failure_code: z.string().nullable(),
});

export const replyRow = z.object({
  merchant_id: uuid,
  operation_id: uuid,
  mode: z.string(),
  fingerprint: z.string(),
  status_code: whole,
  body: z.string(),
});
export type ReplyRow = z.infer<typeof replyRow>;

export const quotedOperationRow = z.object({ merchant_id: uuid, operation_id: uuid, quote_id: z.string() });

export const merchantRow = z.object({ merchant_id: uuid });
export const hotelRow = z.object({ merchant_id: uuid, organisation_id: uuid.nullable() });
export const organisationRow = z.object({ organisation_id: uuid });
export const invitationRow = z.object({ merchant_id: uuid, id: uuid });
export const ruleRow = z.object({ merchant_id: uuid, id: uuid, provider_account_ids: z.array(uuid) });
export const endpointRow = z.object({ merchant_id: uuid, id: uuid });
export const connectionTestRow = z.object({ merchant_id: uuid, id: uuid, provider_account_id: uuid });
export const originRow = z.object({ merchant_id: uuid, origin: z.string() });
export const accountRow = z.object({
  merchant_id: uuid,
  id: uuid,
  provider: z.string(),
  status: z.string(),
  current_version: whole,
});
export const versionRow = z.object({
  merchant_id: uuid,
  provider_account_id: uuid,
  version: whole,
  state: z.string(),
  sealed_fields: z.record(z.string(), z.string()).nullable(),
  secret_marks: z.record(z.string(), z.unknown()),
  data_key_version: whole.nullable(),
});
export type VersionRow = z.infer<typeof versionRow>;
export const webhookSecretRow = z.object({
  merchant_id: uuid,
  endpoint_id: uuid,
  version: whole,
  sealed: z.string().nullable(),
  data_key_version: whole.nullable(),
  expires_at: z.string().nullable(),
  destroyed_at: z.string().nullable(),
});
export type WebhookSecretRow = z.infer<typeof webhookSecretRow>;
export const dataKeyRow = z.object({
  merchant_id: uuid,
  version: whole,
  master_key_id: z.string(),
  wrapped: z.string().nullable(),
  uses: exact,
  destroyed_at: z.string().nullable(),
});
export type DataKeyRow = z.infer<typeof dataKeyRow>;

export const apiKeyRow = z.object({ merchant_id: uuid, id: uuid });
export const apiKeyUsageRow = z.object({ merchant_id: uuid, api_key_id: uuid });

export const privilegeRow = z.object({
  table_name: z.string(),
  owner: z.string(),
  grantee: z.string(),
  privilege: z.string(),
  is_superuser: z.boolean(),
});
export const triggerRow = z.object({
  table_name: z.string(),
  name: z.string(),
  enabled: z.string(),
  function: z.string(),
  is_before: z.boolean(),
  on_delete: z.boolean(),
  on_update: z.boolean(),
  on_truncate: z.boolean(),
});
export const connectionRow = z.object({
  role: z.string(),
  application: z.string(),
  state: z.string(),
  transaction_seconds: z.union([z.number(), z.bigint()]).transform(Number),
});
export const clockRow = z.object({ at: z.string() });

/** Of the audit trails every column counts: see audit-chain.ts. */
export const auditRow = z.record(z.string(), z.unknown());
