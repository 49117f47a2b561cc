import type { RequestHandler } from 'express';
import { z } from 'zod';

import type { Account, AccountKey } from '../accounts/account.ts';
import { ALL_CARD_FEATURES, CARD_FEATURES, type CardFeatures } from '../charges/card-features.ts';
import type { Context } from '../context.ts';
import { newId } from '../ids.ts';
import { hashSecretKey } from '../instance-key.ts';
import { readInput } from './control-input.ts';

const secretKey = z
  .string()
  .max(255)
  .regex(
    /^(sk|rk)_(test|live)_[A-Za-z0-9_]{4,}$/,
    'must look like sk_test_…, sk_live_…, rk_test_… or rk_live_…',
  );

const accountInput = z.strictObject({
  id: z
    .string()
    .regex(/^acct_[A-Za-z0-9_]{1,60}$/)
    .optional(),
  name: z.string().max(200).optional(),
  secret_key: secretKey,
  raw_card_data: z.boolean().optional(),
  card_features: z
    .strictObject({
      multicapture: z.boolean().optional(),
      incremental_authorization: z.boolean().optional(),
      overcapture: z.boolean().optional(),
      extended_authorization: z.boolean().optional(),
    })
    .optional(),
  permissions: z
    .array(z.string().regex(/^rak_[a-z_]+_(read|write)$/))
    .max(100)
    .optional(),
});

/** `POST /_control/accounts`: a new account, or one more key for the account with this id. */
export function putAccount(context: Context): RequestHandler {
  return async (req, res) => {
    const input = readInput(accountInput, req.body, res);
    if (!input) return;
    const hash = hashSecretKey(input.secret_key);
    const owner = context.store.keyOf(hash)?.account;
    if (owner && owner.id !== input.id) {
      res.status(400).json({ error: 'secret_key: belongs to another account' });
      return;
    }
    const key: AccountKey = {
      hash,
      livemode: input.secret_key.includes('_live_'),
      permissions: input.secret_key.startsWith('rk_') ? (input.permissions ?? null) : null,
      revoked: false,
    };
    const before = input.id === undefined ? undefined : context.store.accounts.get(input.id);
    const account: Account = {
      id: input.id ?? newId('acct', 16),
      name: input.name ?? before?.name ?? 'Simulated hotel',
      cardFeatures: mergedFeatures(before, input.card_features),
      rawCardData: input.raw_card_data ?? before?.rawCardData ?? false,
      createdSeconds: before?.createdSeconds ?? context.clock.seconds(),
      keys: [...(before?.keys ?? []).filter((other) => other.hash !== hash), key],
    };
    await save(context, account);
    res.status(201).json(shown(account));
  };
}

/** `POST /_control/accounts/:id/revoke_key`: one key, or all of them when none is named. */
export function revokeKey(context: Context): RequestHandler {
  return async (req, res) => {
    const input = readInput(z.strictObject({ secret_key: secretKey.optional() }), req.body, res);
    if (!input) return;
    const id = req.params['id'];
    const account = typeof id === 'string' ? context.store.accounts.get(id) : undefined;
    if (!account) {
      res.status(404).json({ error: 'no such account' });
      return;
    }
    const hash = input.secret_key === undefined ? undefined : hashSecretKey(input.secret_key);
    if (hash !== undefined && !account.keys.some((key) => key.hash === hash)) {
      res.status(404).json({ error: 'the account has no such key' });
      return;
    }
    const keys = account.keys.map((key) =>
      hash === undefined || key.hash === hash ? { ...key, revoked: true } : key,
    );
    await save(context, { ...account, keys });
    res.json(shown({ ...account, keys }));
  };
}

function mergedFeatures(
  before: Account | undefined,
  given: z.output<typeof accountInput>['card_features'],
): CardFeatures {
  const features = { ...(before?.cardFeatures ?? ALL_CARD_FEATURES) };
  for (const feature of CARD_FEATURES) features[feature] = given?.[feature] ?? features[feature];
  return features;
}

async function save(context: Context, account: Account): Promise<void> {
  const line = { kind: 'state' as const, type: 'account' as const, value: account };
  const nowMs = context.clock.now();
  context.store.apply(line, nowMs);
  await context.journal.append([line], nowMs);
}

function shown(account: Account) {
  const keys = account.keys.map(({ livemode, permissions, revoked }) => ({ livemode, permissions, revoked }));
  return {
    id: account.id,
    name: account.name,
    raw_card_data: account.rawCardData,
    card_features: account.cardFeatures ?? ALL_CARD_FEATURES,
    keys,
  };
}
