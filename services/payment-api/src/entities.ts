import { defineEntity, p } from '@mikro-orm/core';

/** A stored answer. The charge path reads and writes it by plain SQL (see replies/); the ORM knows it for migrations. */
export const Reply = defineEntity({
  name: 'Reply',
  tableName: 'replies',
  checks: [
    { name: 'reply_mode', expression: `mode in ('test', 'live')` },
    { name: 'reply_fingerprint', expression: 'octet_length(fingerprint) = 32' },
    { name: 'reply_terminal', expression: 'status_code in (201, 402)' },
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

/** The explicit list that the ORM loads. */
export const entities = [Reply];
