import { AccountKind as KindCode } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type {
  GetProviderAccountRequest,
  ProviderAccount,
} from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode as ModeCode } from '@centra/proto/centra/money/v1/money.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { ProviderAccountEntity } from '../entities.ts';
import type { AccountKind, Mode, ProviderAccountRow } from '../entities.ts';
import { merchantIdSchema } from '../merchants/merchant.ts';
import { asMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { revealAll } from './credentials.ts';
import { loadSealed } from './load-sealed.ts';
import type { SealedVersion } from './load-sealed.ts';
import { openCredentials } from './sealed-credentials.ts';

// UUID or pa_…: callers keep the one and are given the other.
const accountIdSchema = z.string().transform((text, problem) => {
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
      value: z.strictObject({ providerAccountId: accountIdSchema, version: z.int().min(1) }),
    }),
  ]),
});
type Selector = z.infer<typeof requestSchema>['selector'];

/**
 * The opened credentials of one account, for the transaction service only. `provider_account_missing` when no usable account
 * answers to it (none of that kind, or deleted); `not_found` for an unknown id, another hotel's or mode's, or a version
 * whose secrets are destroyed.
 */
export async function getProviderAccount(
  context: Context,
  request: GetProviderAccountRequest,
  call: CallContext,
): Promise<ProviderAccount> {
  const { merchantId, mode: modeCode, selector } = parseWith(requestSchema, request);
  const mode: Mode = modeCode === ModeCode.MODE_LIVE ? 'live' : 'test';
  const { account, version } = await asMerchant(context, merchantId, (tx) =>
    select(tx, merchantId, mode, selector),
  );
  const credentials = await openCredentials(context, version);
  await noteOpening(context, call, account, version.version);
  return {
    providerAccountId: account.id,
    merchantId: account.merchantId,
    mode: modeCode,
    kind: KIND_CODES[account.kind],
    provider: account.provider,
    version: version.version,
    credentials: revealAll(credentials),
  };
}

const KIND_CODES = {
  card_provider: KindCode.ACCOUNT_KIND_CARD_PROVIDER,
  card_vault: KindCode.ACCOUNT_KIND_CARD_VAULT,
} as const satisfies Record<AccountKind, KindCode>;

type Selected = { account: ProviderAccountRow; version: SealedVersion };

async function select(
  tx: Transaction,
  merchantId: string,
  mode: Mode,
  selector: Selector,
): Promise<Selected> {
  switch (selector.$case) {
    case 'defaultOfKind': {
      const kind = selector.value === KindCode.ACCOUNT_KIND_CARD_VAULT ? 'card_vault' : 'card_provider';
      const account = await tx.findOne(ProviderAccountEntity, { merchantId, mode, kind, isDefault: true });
      if (account === null) throw new AppError('provider_account_missing');
      return { account, version: await loadSealed(tx, account, account.currentVersion) };
    }
    case 'providerAccountId': {
      const account = await tx.findOne(ProviderAccountEntity, { merchantId, mode, id: selector.value });
      if (account === null) throw new AppError('not_found');
      if (account.status === 'deleted') throw new AppError('provider_account_missing');
      return { account, version: await loadSealed(tx, account, account.currentVersion) };
    }
    case 'accountVersion': {
      const { providerAccountId: id, version: number } = selector.value;
      const account = await tx.findOne(ProviderAccountEntity, { merchantId, mode, id });
      if (account === null || number > account.currentVersion) throw new AppError('not_found');
      const version = await loadSealed(tx, account, number);
      if (version.state === 'destroyed')
        throw new AppError('not_found', { detail: 'The secrets of this version are destroyed.' });
      return { account, version };
    }
    default:
      throw new Error(`no rule for ${String(selector satisfies never)}`);
  }
}

/** Writes down who was given which secret, before it is given. */
async function noteOpening(
  context: Context,
  call: CallContext,
  { merchantId, id }: ProviderAccountRow,
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
