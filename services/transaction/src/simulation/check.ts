import type { BankEffect } from './simulated-bank.ts';
import type { Books, EventBook, OperationBook, PaymentBook } from '../testing/books.ts';
import type { QueryResultRow } from 'pg';
import { violations } from '../testing/verify-books.ts';
import type { Told } from '../testing/verify-books.ts';
import { isRefusedForGood } from './client.ts';
import type { Ask } from './client.ts';
import { asksOf } from './play.ts';
import type { Run } from './play.ts';
import { execute } from './simulated-pool.ts';
import type { ProviderDesk } from './simulated-provider.ts';
import type { World } from './world.ts';

/** Every invariant that does not hold, in words; empty when the run is right. */
export async function check(run: Run): Promise<string[]> {
  const { world } = run;
  const books = await readBooks(run);
  const asks = asksOf(run).filter(({ calls }) => calls.length > 0);
  const effects = Object.values(world.desks).flatMap(({ bank }) => bank.effects);
  const told = asks.flatMap((ask) => toldOf(ask, books, effects));
  return [
    ...run.faults,
    ...violations(books, told),
    ...asks.flatMap((ask) => answersOf(ask, effects)),
    ...Object.values(world.desks).flatMap(callsOf),
    ...(await earlyEnds(world)),
  ];
}

type SimulatedBooks = Omit<Books, 'operations'> & { operations: (OperationBook & { sequence: number })[] };

async function readBooks({ world, ranOutUnseen }: Run): Promise<SimulatedBooks> {
  const select = async <Row extends QueryResultRow>(text: string): Promise<Row[]> => {
    const { rows } = await execute<Row>(world, { text, values: [world.hotel.merchantId] });
    return rows;
  };
  const effects = Object.values(world.desks).flatMap(({ bank }) => bank.effects);
  return {
    payments: await select<PaymentBook>(`select * from payments where merchant_id = $1`),
    operations: await select<SimulatedBooks['operations'][number]>(
      `select * from operations where merchant_id = $1`,
    ),
    events: await select<EventBook>(
      `select * from payment_events where merchant_id = $1 order by payment_id, version`,
    ),
    outbox: await select<EventBook>(`select payment_id, version, type from outbox where merchant_id = $1`),
    effects: effects.filter(
      ({ isTakenBack: isUndone, operationId }) => !isUndone && !ranOutUnseen.has(operationId),
    ),
  };
}

/** What a client was told in the end, and each final answer before. */
function toldOf(
  { operationId, kind, calls }: Ask,
  books: SimulatedBooks,
  effects: readonly BankEffect[],
): Told[] {
  const changedItsMind = isTakenBack(operationId, effects);
  const last = calls.at(-1)?.end;
  if (last?.kind === 'refused') return [{ operationId, answer: 'refused' }];
  return calls.flatMap(({ end }): Told[] => {
    if (end.kind !== 'answered') return [];
    const { state } = end.reply;
    if (kind === 'create') return [{ operationId, answer: 'succeeded' }];
    // The bank took a refund back that it had made, so both answers were true when they were given.
    const answer = changedItsMind && state === 'succeeded' ? 'open' : state;
    return [{ operationId: lastTryOf(operationId, books), answer }];
  });
}

/** A soft decline is tried again by an operation of its own; the client is told of the payment. */
function lastTryOf(operationId: string, { operations }: SimulatedBooks): string {
  const own = operations.find(({ id }) => id === operationId);
  const tries = operations.filter(
    ({ payment_id, kind }) => payment_id === own?.payment_id && kind === own.kind && own.sequence === 1,
  );
  const isCharge = own?.kind === 'sale' || own?.kind === 'authorize';
  return (isCharge ? tries.toSorted((a, b) => b.sequence - a.sequence)[0]?.id : undefined) ?? operationId;
}

function isTakenBack(operationId: string, effects: readonly BankEffect[]): boolean {
  return effects.some((effect) => effect.operationId === operationId && effect.isTakenBack);
}

/** I4, I23: everybody has a final answer in the end, and no two final answers of a key differ. */
function answersOf({ name, kind, operationId, calls }: Ask, effects: readonly BankEffect[]): string[] {
  const ends = calls.map(({ end }) => end);
  const finals = ends.flatMap((end) => {
    if (end.kind !== 'answered' || (end.reply.state === 'open' && kind !== 'create')) return [];
    // A void that found nothing to release has no step of its own in the history: it is told with the payment of the day.
    return [kind === 'void' && end.reply.state === 'declined' ? 'declined' : end.reply.view];
  });
  const last = ends.at(-1);
  const found: string[] = [];
  if (last?.kind === 'answered' && last.reply.state === 'open' && kind !== 'create')
    found.push(`I4 ${name} is open for ever for its client: ${last.reply.view}`);
  if (last?.kind === 'running' || last?.kind === 'lost') found.push(`I4 ${name} is never answered`);
  if (last?.kind === 'refused' && (!isRefusedForGood(last) || finals.length > 0))
    found.push(`I4 ${name} is refused with ${last.code} when everything is at rest`);
  if (ends.some((end) => end.kind === 'refused' && end.code === 'internal'))
    found.push(`I4 ${name} was told of a fault of ours: ${operationId}`);
  if (new Set(finals).size > 1 && !isTakenBack(operationId, effects))
    found.push(`I23 ${name} had two answers: ${[...new Set(finals)].join(' | ')}`);
  return found;
}

const RESEND_MAX_MS = 23 * 60 * 60_000;

/** I27, rows 9 and 10: one key for all calls of an operation, and none where the provider has forgotten the key or never had it. */
function callsOf({ name, capabilities, calls }: ProviderDesk): string[] {
  return [...Map.groupBy(calls, ({ operationId }) => operationId)].flatMap(([operationId, own]) => {
    const found: string[] = [];
    if (new Set(own.map(({ providerKey }) => providerKey)).size > 1)
      found.push(`I27 several keys for ${operationId}`);
    if (capabilities.idempotencyWindowMs === 0 && !capabilities.lookupByReference && own.length > 1)
      found.push(`I27 ${operationId} was sent ${own.length} times to ${name}, which keeps no keys`);
    const [first, ...again] = own;
    // A hold can be let go of once only, so a void that surely never arrived is sent whenever.
    const isLate = again.some(
      ({ verb, atMs }) => verb !== 'void' && first !== undefined && atMs - first.atMs > RESEND_MAX_MS,
    );
    if (isLate && capabilities.idempotencyWindowMs > 0)
      found.push(`I27 ${operationId} was sent again after its key may be forgotten`);
    return found;
  });
}

/** I26: nothing of ours calls a hold over before its bank's own deadline. */
async function earlyEnds(world: World): Promise<string[]> {
  const { rows } = await execute<{ reference: string; at: Date }>(world, {
    text: `select p.provider_reference as reference, e.at from payment_events e
             join payments p on p.merchant_id = e.merchant_id and p.id = e.payment_id
            where e.merchant_id = $1 and e.details->>'reason' = 'expired'`,
    values: [world.hotel.merchantId],
  });
  const payments = Object.values(world.desks).flatMap(({ bank }) => [...bank.payments.values()]);
  return rows.flatMap(({ reference, at }) => {
    const deadlineMs = payments.find((payment) => payment.reference === reference)?.deadlineMs;
    return deadlineMs !== undefined && at.getTime() >= deadlineMs
      ? []
      : [`I26 the hold ${reference} was called over before its bank's deadline`];
  });
}
