import type { Plant } from '../plant.ts';

/** One hotel never sees or moves what is another's (P12). */
export const TENANT_PLANTS: readonly Plant[] = [
  {
    name: 'operation-found-without-its-hotel',
    why: 'reliability row 21, security row 30: an id of one hotel is answered with another hotel’s payment',
    edits: [
      {
        file: 'services/transaction/src/operations/operation.ts',
        find: 'where o.merchant_id = $1 and o.id = $2`,',
        replace: 'where $1::uuid is not null and o.id = $2`,',
      },
    ],
    suite: {
      file: 'services/transaction/src/payments/create-payment.test.ts',
      test: '20, 21: another fingerprint is refused; the same id at another hotel is another payment',
    },
  },
  {
    name: 'batch-mixes-hotels',
    why: 'security row 29: in one batch the outcome of one hotel’s payment is told to another',
    edits: [
      {
        file: 'services/transaction/src/payments/transition.ts',
        find: 'new Map(rows.map((row) => [`${row.merchant_id} ${row.operation_id}`, row]))',
        replace: 'new Map(rows.map((row) => [row.operation_id, row]))',
      },
      {
        file: 'services/transaction/src/payments/transition.ts',
        find: 'inputs.map(({ operation: { merchantId, id, payment } }): Written => {',
        replace: 'inputs.map(({ operation: { id, payment } }): Written => {',
      },
      {
        file: 'services/transaction/src/payments/transition.ts',
        find: 'written.get(`${merchantId} ${id}`)',
        replace: 'written.get(id)',
      },
    ],
    suite: {
      file: 'services/transaction/src/payments/transition.test.ts',
      test: 'two merchants with the same operation id in one batch are told apart',
    },
  },
  {
    name: 'row-security-not-forced',
    why: 'security row 32: the owner of the tables, as which the service connects, sees every hotel',
    edits: [
      {
        file: 'services/merchant/migrations/0002_provider_accounts.ts',
        find: 'alter table provider_accounts force row level security;',
        replace: '',
      },
    ],
    suite: {
      file: 'services/merchant/src/tenant.test.ts',
      test: 'each table with a hotel’s rows has row level security, forced on its owner',
    },
  },
];
