import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { check } from '../scenario.ts';
import type { Check } from '../scenario.ts';
import { leaksIn } from './attempt.ts';
import type { Attempt, Case } from './attempt.ts';
import { effectsAt } from './effects.ts';
import type { Effects } from './effects.ts';
import { readOwned } from './owned.ts';
import { changedTables, openHoldings } from './rows.ts';
import type { Holdings, HoldingsReader } from './rows.ts';
import { readSettings } from './settings.ts';
import { checkTenants } from './tenants.ts';
import type { World } from './world.ts';

type State = { holdings: Holdings; effects: Effects };

/**
 * Runs every attempt of every case, and after each case compares what the owner has with what it had: every row of every
 * table, and everything that happened at the providers. Prints a line for each case.
 */
export async function runCases(
  world: World,
  cases: readonly Case[],
  say: (line: string) => void,
): Promise<Check[]> {
  const reader = await openHoldings(world.platform);
  const checks: Check[] = [];
  const report = (found: readonly Check[], title: string): void => {
    checks.push(...found);
    const failed = found.filter(({ failure }) => failure !== undefined);
    say(`${failed.length === 0 ? '✔' : '✖'} ${title} (${found.length})`);
    for (const { name, failure } of failed) say(`    ✖ ${name}: ${failure}`);
  };
  try {
    const { platform, owner, owned, settings, people } = world;
    const paths = [
      ...(await readOwned(platform, owner, owned)),
      ...(await readSettings(platform, owner, settings, people)),
    ];
    report([check(`the owner reads all of its own (${paths.length})`, true, '')], 'the owner reads its own');
    let state = await atRest(world, reader);
    report([everyTableHasRows(state.holdings)], 'the owner has rows in every table');
    for (const one of cases) {
      const found = await runCase(world, one);
      const after = await readState(world, reader);
      found.push(...unchanged(one, state, after));
      report(found, one.of);
      // A charge of one's own has sequels, such as the vault told to forget the code: they are not the next case's.
      state = one.attempts.some(({ acts }) => acts === true) ? await atRest(world, reader) : after;
    }
    const ended = await atRest(world, reader);
    report(unchanged({ of: 'a while afterwards', attempts: [] }, state, ended), 'nothing came of it later');
    report(await checkTenants(world), 'row level security');
  } finally {
    await reader.close();
  }
  return checks;
}

async function runCase(world: World, { of, attempts }: Case): Promise<Check[]> {
  const secrets = secretsOf(world);
  const checks: Check[] = [];
  for (const attempt of attempts) {
    const failure = await tryOut(world, attempt, secrets);
    checks.push({ name: `${of}: ${attempt.name}`, failure });
  }
  return checks;
}

async function tryOut(
  world: World,
  attempt: Attempt,
  secrets: readonly string[],
): Promise<string | undefined> {
  try {
    const seen = await attempt.ask(world);
    const wrong = attempt.judge(seen, world);
    if (wrong !== undefined) return wrong;
    // The owner itself may read its own words again.
    const leaks = attempt.asOwner === true ? [] : leaksIn(seen, secrets);
    return leaks.length === 0 ? undefined : `the answer holds the owner's ${leaks.join(', ')}: ${seen.text}`;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** Everything of the owner's that an answer to somebody else may not hold. */
function secretsOf({ owner, owned, settings }: World): string[] {
  const { keyedBody: _, bait: __, ...ids } = owned;
  const { merchantId, apiKey, liveKey, stripeKey, vaulteraKey, stripeAccount } = owner;
  return [
    ...Object.values(ids),
    ...Object.values(settings),
    merchantId,
    apiKey,
    liveKey,
    stripeKey,
    vaulteraKey,
    stripeAccount,
    'Ownerguest',
  ];
}

// The owner's keys are used by the attempts with its key of the other mode, and their use and refusals are written down.
const OWN_TRACES: readonly string[] = [
  'auth.api_key_usage',
  'auth.api_keys',
  'auth.audit_events',
  'merchant.audit_events',
];

function unchanged({ of, attempts }: Pick<Case, 'of' | 'attempts'>, before: State, after: State): Check[] {
  const changed = changedTables(before.holdings, after.holdings).filter(
    (table) => !OWN_TRACES.includes(table),
  );
  const acts = attempts.some((attempt) => attempt.acts === true);
  const effects = after.effects.owner - before.effects.owner;
  const own = after.effects.all - before.effects.all;
  return [
    check(`${of}: no row of the owner changed`, changed.length === 0, `changed: ${changed.join(', ')}`),
    check(`${of}: nothing happened on the owner's accounts`, effects === 0, `${effects} new effects`),
    ...(acts
      ? []
      : [check(`${of}: nothing happened at the providers at all`, own === 0, `${own} new effects`)]),
  ];
}

async function readState(world: World, reader: HoldingsReader): Promise<State> {
  return {
    holdings: await reader.read(world.owner.merchantId),
    effects: await effectsAt(world),
  };
}

// Longer than any loop of the services pauses between two looks.
const STILL_MS = 2_500;

/** Waits until nothing of the owner's has moved for a while: webhooks come, and loops look, after the answers. */
async function atRest(world: World, reader: HoldingsReader): Promise<State> {
  return await waitFor(
    'the owner to be at rest',
    async () => {
      const before = await readState(world, reader);
      await pauseMs(STILL_MS);
      const after = await readState(world, reader);
      const isStill =
        changedTables(before.holdings, after.holdings).length === 0 &&
        before.effects.all === after.effects.all;
      return isStill ? after : undefined;
    },
    60_000,
  );
}

// What auth is to be told, which is gone as soon as it knows.
const PASSING = 'merchant.access_orders';

/** An empty table would let any attempt pass. */
function everyTableHasRows(holdings: Holdings): Check {
  const empty = [...holdings]
    .filter(
      ([name, { rows }]) => rows === 0 && !name.startsWith('transaction.simulator_') && name !== PASSING,
    )
    .map(([name]) => name);
  return check(
    'the owner has rows in every table of hotels',
    empty.length === 0,
    `none in ${empty.join(', ')}`,
  );
}
