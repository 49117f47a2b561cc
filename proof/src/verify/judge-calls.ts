import type { Books } from './books.ts';
import { ownersOfAccounts } from './effects.ts';
import { groupBy } from './group.ts';
import type { Found, Invariant } from './judge.ts';
import { readProviderKey } from './public-ids.ts';
import type { StripeRequest } from './stripe-journal.ts';

/** How often providers were asked: I27. */
export const CALLS: readonly Invariant[] = [
  {
    number: 'I27',
    rule: 'calls that could move money: one provider key a step, and no more of them than the operation had attempts',
    judge: judgeCalls,
  },
];

// What creates or moves something. Anything else that is sent to Stripe (endpoints, accounts) is the stage's own.
const MOVES_MONEY = /^\/v1\/(payment_intents|refunds|payment_methods|checkout\/sessions)(\/|$)/;

/**
 * The budget: attempts are numbered by a fence in the database (each holder of the lease gets the next number), and one
 * attempt calls each step at most once. So the sweeper's own repeats are the budget, and a retry hidden in an SDK, an agent or
 * a second holder is seen as a call too many. Lookups (GET) move nothing and are not counted.
 */
function judgeCalls({ stripe, operations, run }: Books): Found {
  const owners = ownersOfAccounts(run.hotels);
  const calls = stripe.requests.filter(({ method, path }) => method === 'POST' && MOVES_MONEY.test(path));
  if (calls.length === 0) return { notYet: 'this run made no call to Stripe' };
  const byId = groupBy(operations, ({ id }) => id);
  const keyed = calls.map((call) => ({ call, key: readProviderKey(call.idempotency_key ?? '') }));
  const foreign = keyed.flatMap(({ call, key }) =>
    key === undefined ? [`${call.path} was called with the key ${call.idempotency_key ?? 'none'}`] : [],
  );
  const groups = groupBy(keyed, ({ key }) => `${key?.operationId} ${key?.step}`);
  const wrong = [...groups].flatMap(([, own]) => {
    const [first] = own;
    if (first?.key === undefined) return [];
    const { operationId, step } = first.key;
    const name = `operation ${operationId}${step === '' ? '' : `, step ${step.slice(1)}`}`;
    const [operation] = byId.get(operationId) ?? [];
    if (operation === undefined) return [`${own.length} calls of ${name}, which nobody has`];
    // What Stripe refuses at the door it writes down without an account.
    const accounts = new Set(
      own.flatMap(({ call }) => (typeof call.account === 'string' ? [call.account] : [])),
    );
    const paths = new Set(own.map(({ call }) => resourceOf(call)));
    return [
      ...(own.length > operation.attempt
        ? [`${own.length} calls of ${name} in ${operation.attempt} attempts`]
        : []),
      ...(paths.size > 1 ? [`${name} asked for ${[...paths].join(' and ')} with one key`] : []),
      ...[...accounts]
        .filter((account) => owners.get(account) !== operation.merchant_id)
        .map((account) => `${name} was called on account ${account}, which is not its hotel's`),
    ];
  });
  return { checked: calls.length, offending: [...foreign, ...wrong] };
}

/** The path without the object's own id. */
function resourceOf({ path }: StripeRequest): string {
  return path.replaceAll(/\/(pi|re|pm|cs)_[A-Za-z0-9_]+/g, '/:id');
}
