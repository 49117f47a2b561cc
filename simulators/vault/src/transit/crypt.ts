import { z } from 'zod';
import type { Answer, Call } from '../http/endpoint.ts';
import { parseInput } from '../http/input.ts';
import { VaultError, badRequest } from '../http/vault-error.ts';
import { permissionDenied } from '../http/vault-error.ts';
import type { Capability } from '../policies/policy.ts';
import type { TransitKey } from '../state.ts';
import { decryptItem, encryptItem } from './cipher.ts';
import type { Item } from './cipher.ts';
import { addKey, findKey, keyNamed } from './transit-key.ts';

const itemSchema = z.object({
  plaintext: z.string().optional(),
  ciphertext: z.string().optional(),
  context: z.string().optional(),
  associated_data: z.string().optional(),
  key_version: z.int().min(0).optional(),
});
// Vault takes any number; no test needs more, and nobody should make the simulator work for minutes.
const batchSchema = z.array(itemSchema).min(1).max(1000);

/** `POST /v1/:mount/encrypt/:name`. A missing key is made when the policy lets the caller create. */
export function encrypt(call: Call): Answer {
  const { ctx } = call;
  const [mount, name] = [call.param('mount'), call.param('name')];
  const key = findKey(ctx, mount, name) ?? addKey(ctx, { mount, name, derived: false, exportable: false });
  return each(call, key, encryptItem);
}

/** A policy with `update` alone makes no key by a slip in its name. */
export function capabilityToEncrypt({ ctx, param }: Call): Capability {
  try {
    return findKey(ctx, param('mount'), param('name')) === undefined ? 'create' : 'update';
  } catch {
    throw permissionDenied();
  }
}

/** `POST /v1/:mount/decrypt/:name` */
export function decrypt(call: Call): Answer {
  return each(call, keyNamed(call.ctx, call.param('mount'), call.param('name')), decryptItem);
}

/**
 * `POST /v1/:mount/rewrap/:name`: moves a ciphertext to the latest version. It knows no associated data, so what was bound to
 * some does not authenticate here.
 */
export function rewrap(call: Call): Answer {
  const key = keyNamed(call.ctx, call.param('mount'), call.param('name'));
  return each(call, key, (of, { ciphertext, context, key_version: version }) => {
    const { plaintext } = decryptItem(of, { ciphertext, context });
    return encryptItem(of, { plaintext, context, key_version: version });
  });
}

type Result = Record<string, unknown>;

/** One value, or a batch in order: any item that fails makes the whole answer 400, with all results in it. */
function each(call: Call, key: TransitKey, act: (key: TransitKey, item: Item) => Result): Answer {
  const { batch_input: batch } = call.body;
  if (batch === undefined) return { data: act(key, parseInput(itemSchema, call.body)) };
  const items = parseInput(batchSchema, batch);
  if (new Set(items.map(({ context }) => context === undefined)).size > 1)
    throw badRequest('context should be set either in all the request blocks or in none');
  let failed = false;
  const results = items.map((item): Result => {
    try {
      return act(key, item);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      failed = true;
      return { error: error.message };
    }
  });
  return { data: { batch_results: results }, ...(failed ? { status: 400 } : {}) };
}
