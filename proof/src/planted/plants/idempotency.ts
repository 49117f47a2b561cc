import type { Plant } from '../plant.ts';

/** One key, one effect, one answer; and 503 only when surely nothing was sent (P1, P2). */
export const IDEMPOTENCY_PLANTS: readonly Plant[] = [
  {
    name: 'look-then-insert',
    why: 'reliability row 19, style principle 12: of two at once both look and see nothing',
    edits: [
      {
        file: 'services/transaction/src/operations/begin-operation.ts',
        find: `from input order by merchant_id, operation_id
    on conflict (merchant_id, id) do nothing`,
        replace: `from input
     where not exists (select from operations known
                        where known.merchant_id = input.merchant_id and known.id = input.operation_id)
     order by merchant_id, operation_id`,
      },
    ],
    suite: {
      file: 'services/transaction/src/payments/sale.test.ts',
      test: '19: two replicas that are asked for the same sale at the same moment make one operation, and neither fails',
    },
  },
  {
    name: 'fingerprint-without-the-amount',
    why: 'reliability row 20: a key used again with another amount is answered with the first payment',
    edits: [
      {
        file: 'services/payment-api/src/charges/create-charge.ts',
        find: '{ endpoint: ENDPOINT, body: charge }',
        replace: '{ endpoint: ENDPOINT, body: { ...charge, amount: undefined } }',
      },
    ],
    suite: {
      file: 'services/payment-api/src/charges/idempotency.test.ts',
      test: 'the same key with any other value is 422 idempotency_key_reused, before and after the end, and charges nothing',
    },
  },
  {
    name: 'replay-of-the-present-payment',
    why: 'reliability rows 22 and 23: a repeated capture is answered with what a later refund made of the payment',
    edits: [
      {
        file: 'services/transaction/src/operations/answer.ts',
        find: 'step.version === payment.version',
        replace: 'step.version <= payment.version',
      },
    ],
    suite: {
      file: 'services/transaction/src/payments/follow-up-idempotency.test.ts',
      test: 'a repetition after later changes answers the payment as its own operation left it, byte for byte',
    },
  },
  {
    name: 'stored-reply-by-operation-alone',
    why: 'reliability row 20, I23: the stored answer to another request is handed out',
    edits: [
      {
        file: 'services/payment-api/src/replies/stored-reply.ts',
        find: 'and mode = $3 and fingerprint = $4`,',
        replace: 'and mode = $3`,',
      },
      {
        file: 'services/payment-api/src/replies/stored-reply.ts',
        find: 'key.mode, key.fingerprint],',
        replace: 'key.mode],',
      },
    ],
    suite: {
      file: 'services/payment-api/src/replies/stored-reply.test.ts',
      test: 'a reply is never handed to another hotel, mode or request, even if their operation ids were equal',
    },
  },
  {
    name: 'unavailable-after-the-charge',
    why: 'reliability row 61, §6: 503 says that nothing was sent, so the hotel charges again with a new key',
    edits: [
      {
        file: 'services/transaction/src/payments/charge.ts',
        find: `      'an outcome could not be stored',
    );
    return respond(operation.payment, operation.createdAt, replayed);`,
        replace: `      'an outcome could not be stored',
    );
    throw error;`,
      },
    ],
    suite: {
      file: 'services/transaction/src/operations/lost-database.test.ts',
      test: '61: a database that goes away after the charge leaves the payment processing, never "nothing was done"',
    },
  },
  {
    name: 'unavailable-after-forwarding',
    why: 'reliability row 17, §6: the gateway says 503 although the service may have charged',
    edits: [
      {
        file: 'services/api-gateway/src/upstreams/forward.ts',
        find: `if (route.method === 'GET') return new AppError`,
        replace: `if (route.method === 'GET' || route.idempotent) return new AppError`,
      },
    ],
    suite: {
      file: 'services/api-gateway/src/upstreams/forward.test.ts',
      test: 'connection lost after the request went out: 500 that tells to repeat with the same key, and is counted',
    },
  },
];
