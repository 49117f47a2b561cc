import { AccountKind as KindCode } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type {
  GetProviderAccountRequest,
  ProviderAccount,
} from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode as ModeCode } from '@centra/proto/centra/money/v1/money.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { inTransaction } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import type { AccountKind, Mode } from '../entities.ts';
import { merchantIdSchema } from '../merchants/merchant.ts';
import type { State } from '../merchants/merchant-state.ts';
import { SealError } from '@centra/service-kit/seal.ts';
import { asMerchant } from '../tenant.ts';
import { revealAll } from './credentials.ts';
import { SEALED_COLUMNS, toSealedVersion } from './load-sealed.ts';
import type { SealedRow, SealedVersion } from './load-sealed.ts';
import { openCredentials } from './sealed-credentials.ts';

/** UUID or pa_…: callers keep the one and are given the other. */
export const accountIdSchema = z.string().transform((text, problem) => {
  const id = fromPublicId('pa', text) ?? z.uuid().toLowerCase().safeParse(text).data;
  if (id !== undefined) return id;
  problem.addIssue('must be a provider account id');
  return z.NEVER;
});

const requestSchema = z.strictObject({
  merchantId: merchantIdSchema,
  mode: z.union([z.literal(ModeCode.MODE_TEST), z.literal(ModeCode.MODE_LIVE)]),
  selector: z.discriminatedUnion('$case', [
    z.strictObject({
      $case: z.literal('defaultOfKind'),
      value: z.union([
        z.literal(KindCode.ACCOUNT_KIND_CARD_PROVIDER),
        z.literal(KindCode.ACCOUNT_KIND_CARD_VAULT),
      ]),
    }),
    z.strictObject({ $case: z.literal('providerAccountId'), value: accountIdSchema }),
    z.strictObject({
      $case: z.literal('accountVersion'),
      value: z.strictObject({ providerAccountId: accountIdSchema, version: z.int().min(0) }),
    }),
  ]),
});
type Selector = z.infer<typeof requestSchema>['selector'];

/**
 * The opened credentials of one account, for the transaction service only. `provider_account_missing` when no usable account
 * answers to it (none of that kind, or deleted); `not_found` for an unknown id, another hotel's or mode's, or a version
 * whose secrets are destroyed; `merchant_not_verified` when a hotel that is not verified would begin something in live mode.
 */
export async function getProviderAccount(
  context: Context,
  request: GetProviderAccountRequest,
  call: CallContext,
): Promise<ProviderAccount> {
  const { merchantId, mode: modeCode, selector } = parseWith(requestSchema, request);
  const mode: Mode = modeCode === ModeCode.MODE_LIVE ? 'live' : 'test';
  return await handOver(context, call, await select(context.pool, merchantId, mode, selector));
}

/** Opens the credentials of what was found, and writes down who was given them before they are given. */
export async function handOver(
  context: Context,
  call: CallContext,
  { account, version }: Selected,
): Promise<ProviderAccount> {
  const { merchantId } = version;
  const credentials = await openCredentials(context, version);
  await noteOpening(context, call, merchantId, account.id, version.version);
  return {
    providerAccountId: account.id,
    merchantId,
    mode: account.mode === 'live' ? ModeCode.MODE_LIVE : ModeCode.MODE_TEST,
    kind: KIND_CODES[account.kind],
    provider: account.provider,
    version: version.version,
    credentials: revealAll(credentials),
    statementDescriptor: account.statement_descriptor ?? '',
  };
}

const KIND_CODES = {
  card_provider: KindCode.ACCOUNT_KIND_CARD_PROVIDER,
  card_vault: KindCode.ACCOUNT_KIND_CARD_VAULT,
  wallet: KindCode.ACCOUNT_KIND_WALLET,
  stablecoin: KindCode.ACCOUNT_KIND_STABLECOIN,
  hosted_page: KindCode.ACCOUNT_KIND_HOSTED_PAGE,
} as const satisfies Record<AccountKind, KindCode>;

export type AccountRow = {
  id: string;
  mode: Mode;
  kind: AccountKind;
  provider: string;
  status: 'active' | 'deleted';
  current_version: number;
  /** Of the hotel. */
  merchant_state: State;
  statement_descriptor: string | null;
};
/** An account, and the version of its credentials that is to be opened. */
export type Selected = { account: AccountRow; version: SealedVersion };

/** What AccountRow and SealedVersion are read from. */
export const OPENED_COLUMNS = `a.id, a.mode, a.kind, a.provider, a.status, a.current_version,
       m.state as merchant_state, m.statement_descriptor, ${SEALED_COLUMNS}`;

// Value and key in one statement, so of one moment; the version asked for, or else (null or 0) the current one.
const SELECT = `
select ${OPENED_COLUMNS}
  from provider_accounts as a
  join merchants as m on m.merchant_id = a.merchant_id
  left join provider_account_versions as sealed
    on sealed.merchant_id = a.merchant_id and sealed.provider_account_id = a.id
   and sealed.version = coalesce(nullif($5::integer, 0), a.current_version)
  left join data_keys on data_keys.merchant_id = sealed.merchant_id and data_keys.version = sealed.data_key_version
 where a.merchant_id = $1 and a.mode = $2
   and ($3::text is null or (a.kind = $3 and a.is_default))
   and ($4::uuid is null or a.id = $4)`;

/**
 * Finds account, version and key. Every first charge of a hotel waits for this, so it is plain SQL in prepared statements: half
 * of what the same reads cost through the ORM (docs/bench.md). Row level security stays forced, so the hotel is set first.
 */
async function select(pool: Pool, merchantId: string, mode: Mode, selector: Selector): Promise<Selected> {
  const wanted = toWanted(selector);
  const values = [merchantId, mode, wanted.kind, wanted.id, wanted.version];
  const row = await inTransaction(pool, async (client) => {
    await client.query({
      name: 'set-merchant',
      text: `select set_config('centra.merchant_id', $1, true)`,
      values: [merchantId],
    });
    const { rows } = await client.query<AccountRow & SealedRow>({
      name: 'open-account',
      text: SELECT,
      values,
    });
    return rows[0];
  });
  if (row === undefined) throw new AppError(wanted.kind === null ? 'not_found' : 'provider_account_missing');
  // A version that was asked for by its number stays good while it drains, also after the account's deletion.
  if (wanted.version === null && row.status === 'deleted') throw new AppError('provider_account_missing');
  // What is under way finishes with the version that it began with; whatever begins needs the operator's word.
  if (wanted.version === null && mode === 'live' && row.merchant_state !== 'verified')
    throw new AppError('merchant_not_verified');
  if (wanted.version !== null && wanted.version > row.current_version) throw new AppError('not_found');
  if (row.version === null)
    throw new SealError(`there is no version ${wanted.version ?? row.current_version}`);
  const version = toSealedVersion(row);
  if (wanted.version !== null && version.state === 'destroyed')
    throw new AppError('not_found', { detail: 'The secrets of this version are destroyed.' });
  return { account: row, version };
}

type WantedAccount = { kind: AccountKind | null; id: string | null; version: number | null };

function toWanted(selector: Selector): WantedAccount {
  switch (selector.$case) {
    case 'defaultOfKind':
      return {
        kind: selector.value === KindCode.ACCOUNT_KIND_CARD_VAULT ? 'card_vault' : 'card_provider',
        id: null,
        version: null,
      };
    case 'providerAccountId':
      return { kind: null, id: selector.value, version: null };
    case 'accountVersion':
      return { kind: null, id: selector.value.providerAccountId, version: selector.value.version };
    default:
      throw new Error(`no rule for ${String(selector satisfies never)}`);
  }
}

/** Writes down who was given which secret, before it is given. */
async function noteOpening(
  context: Context,
  call: CallContext,
  merchantId: string,
  id: string,
  version: number,
): Promise<void> {
  const opening = `${call.caller} ${merchantId} ${id} ${version}`;
  if (!context.openedSecrets.isDue(opening)) return;
  const by = { actor: `service:${call.caller}`, address: call.address, requestId: call.requestId };
  const event = {
    merchantId,
    action: 'provider_account.secret_opened',
    objectId: toPublicId('pa', id),
  } as const;
  await asMerchant(context, merchantId, (tx) => recordAuditEvent(tx, by, { ...event, after: { version } }));
  context.openedSecrets.noted(opening);
}
