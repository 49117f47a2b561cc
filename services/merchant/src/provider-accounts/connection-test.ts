import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Actor } from '../audit/audit-event.ts';
import type { Transaction } from '../tenant.ts';
import type { CredentialsCheck } from './check-credentials.ts';
import { testResultSchema } from './provider-account.ts';

export const connectionTestSchema = z
  .object({
    id: z.string().meta({ example: 'ct_01jd0000000000000000000000' }),
    object: z.literal('connection_test'),
    result: testResultSchema,
    message: z.string(),
    account_name: z.string().nullable(),
    version: z.int().meta({ description: 'The version of the credentials that was tested' }),
    actor: z.string().meta({ description: 'Who tested: `user:…` or `api_key:…`' }),
    tested_at: z.iso.datetime(),
  })
  .meta({ id: 'ConnectionTest', description: 'One past test of an account’s connection' });

/** A row of the log as it may be shown. */
export type ConnectionTestRow = {
  id: string;
  result: string;
  message: string;
  account_name: string | null;
  version: number;
  actor: string;
  tested_at: string;
};

export function toConnectionTestJson(row: ConnectionTestRow): Record<string, unknown> {
  return { ...row, id: toPublicId('ct', row.id), object: 'connection_test' };
}

// A test a day for half a year; the audit trail keeps the rest for good.
const KEPT = 200;

/** Adds a test to the account's log, in the transaction of what it belongs to, and forgets the oldest. */
export async function keepTest(
  tx: Transaction,
  by: Actor,
  of: { merchantId: string; providerAccountId: string; version: number },
  { result, message, accountName }: CredentialsCheck,
): Promise<void> {
  const { merchantId, providerAccountId, version } = of;
  const { actor, address, requestId } = by;
  await tx.execute(
    `insert into connection_tests (merchant_id, id, provider_account_id, version, result, message, account_name, actor,
       address, request_id)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      merchantId,
      newUuid(),
      providerAccountId,
      version,
      result,
      message,
      accountName,
      actor,
      address,
      requestId,
    ],
  );
  await tx.execute(
    `delete from connection_tests
      where merchant_id = ? and provider_account_id = ? and id <= (
        select id from connection_tests where merchant_id = ? and provider_account_id = ?
         order by id desc offset ? limit 1)`,
    [merchantId, providerAccountId, merchantId, providerAccountId, KEPT],
  );
}
