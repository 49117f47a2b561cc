import type { Request } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, identityOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { z } from 'zod';
import type { Actor } from '../audit/audit-event.ts';
import { ACCOUNT_KINDS, AccountVersionEntity, ProviderAccountEntity } from '../entities.ts';
import type { AccountVersionRow, Mode, ProviderAccountRow } from '../entities.ts';
import { checkDescriptor } from '../merchants/statement-descriptor.ts';
import type { Transaction } from '../tenant.ts';
import type { Provider } from './provider-form.ts';
import { PROVIDER_NAMES, providerNamed } from './providers.ts';

export const modeSchema = z.enum(['test', 'live']).meta({
  description: 'Test accounts move no money. A test key manages test accounts only; a live key manages both.',
  example: 'test',
});

/** The provider's fields; which ones, `GET /v1/providers` tells. */
export const credentialsSchema = z.record(z.string().min(1).max(64), z.string().max(512)).meta({
  description: 'The fields that `GET /v1/providers` lists for the provider. Secrets are never shown again.',
  example: { secret_key: 'sk_test_…' },
});

export const testResultSchema = z.enum(['ok', 'rejected', 'unreachable', 'wrong_mode', 'insufficient']);

const secretFieldSchema = z.object({
  set: z.boolean().meta({ description: 'False once the secret is destroyed' }),
  last4: z.string().nullable().meta({ description: 'Last four characters; null for a short secret' }),
  fingerprint: z
    .string()
    .meta({ description: 'The same for the same secret of this merchant; changes with its data key' }),
});
const plainFieldSchema = z.object({ set: z.boolean(), value: z.string() });

/** A provider account as it may be shown. */
export const providerAccountSchema = z
  .object({
    id: z.string().meta({ example: 'pa_01jd0000000000000000000000' }),
    object: z.literal('provider_account'),
    provider: z.enum(PROVIDER_NAMES),
    kind: z.enum(ACCOUNT_KINDS).meta({
      description:
        '`card_provider` charges card tokens, `card_vault` keeps cards, `wallet` is paid from the guest’s account ' +
        'at the provider, `stablecoin` receives tokens, `hosted_page` takes cards on its own page only',
    }),
    mode: modeSchema,
    name: z.string(),
    default: z
      .boolean()
      .meta({ description: 'The one of its kind and mode that is used when a payment names no account' }),
    status: z.enum(['active', 'deleted']),
    version: z.int().meta({ description: 'Counts rotations' }),
    credentials: z.record(z.string(), z.union([secretFieldSchema, plainFieldSchema])),
    webhook_path: z.string().nullable().meta({
      description: 'Where the provider sends its events to: this path on the host of this API; null for none',
      example: '/v1/webhooks/stripe/pa_01jd0000000000000000000000',
    }),
    last_test: z
      .object({
        result: testResultSchema,
        message: z.string(),
        account_name: z.string().nullable(),
        version: z.int(),
        tested_at: z.iso.datetime(),
      })
      .nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    deleted_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'ProviderAccount', description: 'A merchant’s own account at a provider' });

/** An account and one version of its credentials. */
export type Account = { account: ProviderAccountRow; version: AccountVersionRow };

/** The public form: of a secret only its last four characters and fingerprint. */
export function toJson({ account, version }: Account): Record<string, unknown> {
  return {
    id: toPublicId('pa', account.id),
    object: 'provider_account',
    provider: account.provider,
    kind: account.kind,
    mode: account.mode,
    name: account.name,
    default: account.isDefault,
    status: account.status,
    version: account.currentVersion,
    credentials: fieldsToJson(version),
    webhook_path: webhookPath(account),
    last_test: account.lastTest ?? null,
    created_at: account.createdAt.toISOString(),
    updated_at: account.updatedAt.toISOString(),
    deleted_at: account.deletedAt?.toISOString() ?? null,
  };
}

/** Providers that sign their events with a secret of the account's own get an address of the account's own. */
function webhookPath({ provider, id }: ProviderAccountRow): string | null {
  const signs = providerNamed(provider).fields.some(({ name }) => name === 'webhook_secret');
  return signs ? `/v1/webhooks/${provider}/${toPublicId('pa', id)}` : null;
}

function fieldsToJson(version: AccountVersionRow): Record<string, unknown> {
  const set = version.state !== 'destroyed';
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(version.plainFields)) fields[name] = { set: true, value };
  for (const [name, mark] of Object.entries(version.secretMarks)) fields[name] = { set, ...mark };
  return fields;
}

/** The account with its current version, as the database has it now; undefined when the hotel has no such account. */
export async function loadAccount(
  tx: Transaction,
  merchantId: string,
  id: string,
): Promise<Account | undefined> {
  const account = await tx.findOne(ProviderAccountEntity, { merchantId, id }, { refresh: true });
  if (account === null) return undefined;
  const key = { merchantId, providerAccountId: id, version: account.currentVersion };
  const version = await tx.findOneOrFail(AccountVersionEntity, key, { refresh: true });
  return { account, version };
}

/** The account that a request's path names, when the caller may see it; anyone else's is 404 like none at all. */
export async function requireAccount(
  tx: Transaction,
  identity: Identity,
  publicId: string,
): Promise<Account> {
  const id = fromPublicId('pa', publicId);
  const found = id === undefined ? undefined : await loadAccount(tx, identity.merchantId, id);
  if (found === undefined || !maySee(identity, found.account.mode)) throw new AppError('not_found');
  return found;
}

function maySee(identity: Identity, mode: Mode): boolean {
  return identity.mode === 'live' || mode === 'test';
}

/** The mode a request is about: the credential's own unless a live one asks for test. 403 for a test one asking for live. */
export function modeOf(identity: Identity, asked: Mode | undefined): Mode {
  const mode = asked ?? identity.mode;
  if (!maySee(identity, mode))
    throw new AppError('forbidden', { detail: 'A test credential manages what is in test mode only.' });
  return mode;
}

/** 400 when the provider has no such mode: the simulator has no live one. */
export function requireProviderMode(providerName: string, mode: Mode): void {
  const provider = providerNamed(providerName);
  if (!provider.modes.includes(mode))
    throw new AppError('validation_failed', {
      errors: [
        { field: 'mode', reason: `${provider.label} exists in ${provider.modes.join(' and ')} mode only` },
      ],
    });
}

/** 422 when the provider does not take the text that the hotel wants on statements. Call it with the merchant locked. */
export async function requireDescriptorFits(
  tx: Transaction,
  merchantId: string,
  provider: Provider,
): Promise<void> {
  const [merchant] = await tx.execute<{ statement_descriptor: string | null }[]>(
    'select statement_descriptor from merchants where merchant_id = ?',
    [merchantId],
  );
  const descriptor = merchant?.statement_descriptor ?? null;
  if (descriptor !== null) checkDescriptor(descriptor, [provider]);
}

/** 409 for a deleted account. */
export function requireActive({ account }: Account): void {
  if (account.status !== 'active')
    throw new AppError('state_conflict', { detail: 'This provider account is deleted.' });
}

/** The person or key behind an HTTP request, for the history. */
export function actorOf(request: Request): Actor {
  const { requestId, address } = contextOf(request);
  return { actor: identityOf(request).actor, address, requestId };
}
