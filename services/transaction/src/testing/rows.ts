import assert from 'node:assert/strict';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Hotel, World } from './world.ts';

/** The stored operation, as the database shows it. */
export type StoredOperation = {
  id: string;
  payment_id: string;
  state: string;
  attempt: number;
  may_have_charged: boolean;
  provider_account_version: number;
  provider_reference: string | null;
  unknown_reason: string | null;
  absent_since: Date | null;
  escalated_at: Date | null;
  service_code_wipe: string | null;
};

export async function storedOperation(
  world: World,
  hotel: Hotel,
  operationId: string,
): Promise<StoredOperation> {
  const { rows } = await world.admin.query<StoredOperation>(
    `select * from operations where merchant_id = $1 and id = $2`,
    [hotel.merchantId, operationId],
  );
  const row = rows[0];
  assert.ok(row, `operation ${operationId} is stored`);
  return row;
}

/** How many rows the hotel has in each table. */
export async function countRows(world: World, hotel: Hotel): Promise<Record<string, number>> {
  const tables = ['payments', 'operations', 'payment_events', 'outbox'];
  const counts = await Promise.all(
    tables.map(async (table) => {
      const { rows } = await world.admin.query<{ count: number }>(
        `select count(*)::int as count from ${table} where merchant_id = $1`,
        [hotel.merchantId],
      );
      return [table, rows[0]?.count ?? -1] as const;
    }),
  );
  return Object.fromEntries(counts);
}

/** The history of one payment: which status it left, which it took, in order. */
export async function history(world: World, paymentId: string): Promise<string[]> {
  const { rows } = await world.admin.query<{
    version: number;
    from_status: string | null;
    to_status: string;
  }>(`select version, from_status, to_status from payment_events where payment_id = $1 order by version`, [
    fromPublicId('pay', paymentId),
  ]);
  return rows.map((row) => `${row.version} ${row.from_status ?? '-'} > ${row.to_status}`);
}

/** Moves an operation's times into the past, as if that long had gone by. */
export async function age(
  world: World,
  operationId: string,
  column: 'created_at' | 'due_at' | 'absent_since',
  interval: string,
): Promise<void> {
  const { rowCount } = await world.admin.query(
    `update operations set ${column} = ${column} - $2::interval where id = $1 and ${column} is not null`,
    [operationId, interval],
  );
  assert.equal(rowCount, 1, `${column} of the operation was moved`);
}

/** Makes an operation due at once, as if its lease or its pause had ended. */
export async function makeDue(world: World, operationId: string): Promise<void> {
  const { rowCount } = await world.admin.query(
    `update operations set due_at = now() - interval '1 ms' where id = $1`,
    [operationId],
  );
  assert.equal(rowCount, 1);
}

/** What Stripe's own journal says of an operation: every charge made for it. */
export async function chargesAtStripe(world: World, operationId: string): Promise<number> {
  const effects = await world.stripe.journal('effect');
  const charges = effects.filter((line) => line['effect'] === 'charge.succeeded');
  return charges.filter((line) => operationIdOf(line['metadata']) === operationId).length;
}

function operationIdOf(metadata: unknown): unknown {
  return typeof metadata === 'object' && metadata !== null
    ? Reflect.get(metadata, 'centra_operation')
    : undefined;
}

/** The idempotency keys of every call that tried to create this operation's payment intent, in order. */
export async function keysSentToStripe(world: World, operationId: string): Promise<string[]> {
  const requests = await world.stripe.journal('request');
  return requests
    .filter((line) => line['method'] === 'POST' && line['path'] === '/v1/payment_intents')
    .map((line) => String(line['idempotency_key']))
    .filter((key) => key.includes(operationId));
}
