import { defineEntity, p } from '@mikro-orm/core';

/** A stored answer. The charge path reads and writes it by plain SQL (see replies/); the ORM knows it for migrations. */
export const Reply = defineEntity({
  name: 'Reply',
  tableName: 'replies',
  checks: [
    { name: 'reply_mode', expression: `mode in ('test', 'live')` },
    { name: 'reply_fingerprint', expression: 'octet_length(fingerprint) = 32' },
    { name: 'reply_terminal', expression: 'status_code in (200, 201, 402)' },
    { name: 'reply_location', expression: '(status_code = 201) = (location is not null)' },
  ],
  properties: {
    merchantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    mode: p.text(),
    fingerprint: p.blob(),
    statusCode: p.smallint(),
    location: p.text().nullable(),
    body: p.blob(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()').index('replies_created'),
  },
});

/** The price that a quoted payment was first asked for with (see payments/quoted-price.ts). */
export const QuotedOperation = defineEntity({
  name: 'QuotedOperation',
  tableName: 'quoted_operations',
  checks: [
    { name: 'quoted_fingerprint', expression: 'octet_length(fingerprint) = 32' },
    { name: 'quoted_amount', expression: 'amount_minor > 0' },
  ],
  properties: {
    merchantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    fingerprint: p.blob().primary(),
    quoteId: p.text(),
    amountMinor: p.bigint(),
    currency: p.text(),
    quoteHash: p.text(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()').index('quoted_operations_created'),
  },
});

/** A promised price (see quotes/). Read and written by plain SQL under row level security; the ORM knows it for migrations. */
export const Quote = defineEntity({
  name: 'Quote',
  tableName: 'quotes',
  checks: [
    { name: 'quote_mode', expression: `mode in ('test', 'live')` },
    { name: 'quote_hash', expression: 'octet_length(hash) = 32' },
    { name: 'quote_currency', expression: `currency ~ '^[A-Z]{3}$'` },
    {
      name: 'quote_amounts',
      expression:
        'subtotal_minor >= 0 and discount_minor >= 0 and discount_minor <= subtotal_minor and tax_minor >= 0 ' +
        'and total_minor >= 0',
    },
    { name: 'quote_lifetime', expression: 'expires_at > created_at' },
  ],
  rowLevelSecurity: 'force',
  policies: [
    {
      name: 'quotes_tenant',
      using: `merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid`,
    },
    {
      name: 'quotes_every',
      using: `coalesce(current_setting('centra.every_merchant', true), '') = 'on'`,
    },
  ],
  properties: {
    merchantId: p.uuid().primary(),
    id: p.uuid().primary(),
    mode: p.text(),
    hash: p.blob(),
    pricingVersion: p.text(),
    request: p.json(),
    pricedOn: p.date(),
    currency: p.text(),
    subtotalMinor: p.bigint(),
    discountMinor: p.bigint(),
    taxMinor: p.bigint(),
    totalMinor: p.bigint(),
    lines: p.json(),
    createdAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    expiresAt: p.datetime().columnType('timestamptz').index('quotes_expires'),
  },
});

/** The explicit list that the ORM loads. */
export const entities = [Reply, QuotedOperation, Quote];
