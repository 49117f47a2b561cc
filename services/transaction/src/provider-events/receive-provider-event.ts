import { createHash } from 'node:crypto';
import type {
  ReceiveProviderEventRequest,
  ReceiveProviderEventResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import type { EventFact, Provider } from '../providers/provider.ts';
import { toStoredFact } from './provider-event.ts';

// As at the public door. Providers' events are a few KiB.
const BODY_MAX_BYTES = 256 * 1024;

/**
 * Takes in a provider's webhook as it came: finds the account, checks the signature over the raw bytes with that account's
 * secret, stores the fact once, and answers only after the commit. It moves no money; the loop does, after asking.
 * Refuses with not_found (no such account, or nothing of ours in an event that names none), signature_invalid,
 * payload_too_large; unavailable when it could not be stored, and then the provider sends it again (reliability row 33).
 */
export async function receiveProviderEvent(
  context: Context,
  request: ReceiveProviderEventRequest,
): Promise<ReceiveProviderEventResponse> {
  const { rawBody: body } = request;
  if (body.length > BODY_MAX_BYTES) throw new AppError('payload_too_large');
  const provider = providerWithEvents(context, request.provider);
  const requestId = request.origin?.requestId ?? '';
  const accountId =
    request.providerAccountId === ''
      ? await accountOfHint(context.pool, provider, body)
      : fromPublicId('pa', request.providerAccountId);
  const account = accountId === undefined ? undefined : await context.accounts.resolve(accountId, requestId);
  if (account === undefined || account.provider !== provider.name) throw new AppError('not_found');
  const fact = provider.readEvent(account, body, request.headers);
  const event = {
    merchantId: account.merchantId,
    mode: account.mode,
    provider: provider.name,
    accountId: account.id,
  };
  const isNew = await store(context.pool, event, fact, body, requestId);
  context.config.failpoint('provider-event.after-store');
  context.log.debug(
    { ...event, type: fact.type, providerEventId: fact.eventId, isNew, requestId },
    'provider event received',
  );
  return { duplicate: !isNew };
}

function providerWithEvents(context: Context, name: string): Provider {
  let provider: Provider;
  try {
    provider = context.providers.choose(name);
  } catch (error) {
    if (error instanceof AppError) throw new AppError('not_found', { cause: error });
    throw error;
  }
  if (!provider.capabilities.events) throw new AppError('not_found', { internal: `${name} sends no events` });
  return provider;
}

/**
 * Where all hotels' events come to one address, an unchecked event only says whose secret must check it: by the account that
 * we wrote into the object, or (a dispute has nothing of ours) by the payment that the provider names.
 */
async function accountOfHint(pool: Pool, provider: Provider, body: Buffer): Promise<string | undefined> {
  const hint = provider.peekEvent(body);
  if (hint === undefined) return undefined;
  if (hint.providerAccountId !== undefined) return fromPublicId('pa', hint.providerAccountId);
  const { rows } = await pool.query<{ provider_account_id: string }>({
    name: 'account-of-hint',
    text: `select provider_account_id from payments
            where cardinality($1::text[]) > 0 and provider_reference = any($1) and provider = $2
            limit 1`,
    values: [hint.paymentReferences, provider.name],
  });
  return rows[0]?.provider_account_id;
}

type Source = { merchantId: string; mode: 'test' | 'live'; provider: string; accountId: string };

/** True when it was stored now, false when it was there before. Insert and see: the provider's id is unique. */
async function store(
  pool: Pool,
  { merchantId, mode, provider, accountId }: Source,
  fact: EventFact,
  body: Buffer,
  requestId: string,
): Promise<boolean> {
  try {
    const { rowCount } = await pool.query({
      name: 'store-provider-event',
      text: `
        insert into provider_events (merchant_id, mode, provider, provider_account_id, provider_event_id, type, fact_key,
          fact, body_sha256, body_bytes, request_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict (merchant_id, provider_account_id, provider_event_id) do nothing`,
      values: [
        merchantId,
        mode,
        provider,
        accountId,
        fact.eventId,
        fact.type,
        fact.factKey,
        JSON.stringify(toStoredFact(fact)),
        createHash('sha256').update(body).digest(),
        body.length,
        requestId,
      ],
    });
    return rowCount === 1;
  } catch (error) {
    // Whatever kept it from being stored, the provider must send it again; a lost answer to a commit only makes a duplicate.
    throw new AppError('unavailable', {
      cause: error,
      retryAfterSeconds: 5,
      internal: 'a provider event was not stored',
    });
  }
}
