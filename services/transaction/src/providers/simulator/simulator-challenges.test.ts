import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { databaseRoles, migrate, migrationsFolder } from '../../migrate.ts';
import { newCharge, newHosted, opened } from '../../testing/attempts.ts';
import { createCardVaults } from '../card-transport.ts';
import type { ChargeAttempt, HostedAttempt, Outcome } from '../provider.ts';
import { answerSimulatorChallenge } from './answer-challenge.ts';
import { getSimulatorChallenge } from './get-challenge.ts';
import { createSimulator } from './simulator.ts';
import type { Simulator } from './simulator.ts';

const PAGE_URL = 'http://127.0.0.1/v1/simulator/challenges';
const RETURN_URL = 'https://hotel.example.com/back';

let database: TestDatabase;
let pool: Pool;
let admin: Pool;
let provider: Simulator;

before(async () => {
  database = await createTestDatabase({
    service: 'transaction',
    roles: databaseRoles,
    migrationsFolder,
    migrate,
  });
  const log = createLog('test', 'silent');
  pool = createPool({ url: database.url, max: 4, applicationName: 'test', log });
  admin = createPool({ url: database.adminUrl, max: 2, applicationName: 'test', log });
  provider = createSimulator({ vaults: createCardVaults({}), pool, challengeUrl: PAGE_URL });
});
after(async () => {
  await Promise.all([pool.end(), admin.end()]);
  await database.drop();
});

const account = opened(`pa_${randomUUID()}`, 'simulator', {});

type Waiting<A> = { attempt: A; token: string; challenge: Extract<Outcome, { kind: 'requires_action' }> };

async function challenged(change: Partial<ChargeAttempt> = {}): Promise<Waiting<ChargeAttempt>> {
  const attempt = newCharge(account, 'sim_card_authentication_required', {
    returnUrl: RETURN_URL,
    ...change,
  });
  return { attempt, ...waiting(await provider.charge(attempt)) };
}

async function hosted(change: Partial<HostedAttempt> = {}): Promise<Waiting<HostedAttempt>> {
  const attempt = newHosted(account, change);
  return { attempt, ...waiting(await provider.openHostedPage(attempt)) };
}

function waiting(outcome: Outcome): Omit<Waiting<never>, 'attempt'> {
  assert.ok(outcome.kind === 'requires_action', outcome.kind);
  assert.ok(outcome.redirectUrl.startsWith(`${PAGE_URL}/`));
  return { challenge: outcome, token: outcome.redirectUrl.slice(PAGE_URL.length + 1) };
}

async function look(token: string): ReturnType<typeof getSimulatorChallenge> {
  return await getSimulatorChallenge({ providers: provider }, { challengeToken: token });
}

async function answer(token: string, approve: boolean): Promise<string> {
  const context = { providers: provider };
  return (await answerSimulatorChallenge(context, { challengeToken: token, approve })).returnUrl;
}

async function refusedAs(code: string, run: () => Promise<unknown>): Promise<void> {
  await assert.rejects(run, (error) => error instanceof AppError && error.code === code);
}

test('the page shows what is being paid and with which card, until it is answered', async () => {
  const { token } = await challenged({ bookingReference: 'BK-77' });
  const card = { brand: 'visa', last4: '3184', expiryMonth: 12, expiryYear: 2049 };
  const amount = { amountMinor: 12_500n, currency: 'EUR' };
  assert.deepEqual(await look(token), { bookingReference: 'BK-77', amount, card, over: false });
  assert.equal(await answer(token, true), RETURN_URL);
  assert.equal((await look(token)).over, true);
});

test('the first answer stands: the same again changes nothing, the other one is refused', async () => {
  for (const approve of [true, false]) {
    const { attempt, token, challenge } = await challenged();
    assert.equal(await answer(token, approve), RETURN_URL);
    assert.equal(await answer(token, approve), RETURN_URL);
    await refusedAs('state_conflict', async () => await answer(token, !approve));
    const found = await provider.retrieve(attempt, challenge.providerReference);
    assert.equal(found.kind, approve ? 'succeeded' : 'declined');
  }
});

test('of answer and withdrawal at once one wins, and both sides are told the same', async () => {
  for (let round = 0; round < 10; round += 1) {
    const { attempt, token, challenge } = await challenged();
    const [approved, canceled] = await Promise.all([
      answer(token, true).then(
        () => true,
        () => false,
      ),
      provider.cancelChallenge(attempt, challenge.providerReference),
    ]);
    assert.equal(canceled.kind, approved ? 'succeeded' : 'declined');
    const found = await provider.retrieve(attempt, challenge.providerReference);
    assert.equal(found.kind, canceled.kind);
  }
});

test('a page whose time is over takes no answer, and its payment is abandoned', async () => {
  const { attempt, token, challenge } = await challenged();
  await admin.query(
    `update simulator_challenges set expires_at = now() - interval '1 s' where operation_id = $1`,
    [attempt.operationId],
  );
  assert.equal((await look(token)).over, true);
  await refusedAs('state_conflict', async () => await answer(token, true));
  const found = await provider.retrieve(attempt, challenge.providerReference);
  assert.ok(found.kind === 'declined');
  assert.equal(found.failure.code, 'authentication_abandoned');
});

test('nobody finds a page by trying: addresses are long, differ, and only their hashes are stored', async () => {
  const pages = await Promise.all(Array.from({ length: 8 }, async () => await challenged()));
  assert.equal(new Set(pages.map(({ token }) => token)).size, 8);
  for (const { token } of pages) assert.equal(Buffer.from(token, 'base64url').length, 32);
  const { rows } = await admin.query<{ line: string }>(
    `select to_jsonb(c)::text as line from simulator_challenges c`,
  );
  assert.ok(rows.length >= 8);
  for (const { token } of pages) for (const { line } of rows) assert.ok(!line.includes(token));
  await refusedAs('not_found', async () => await look('A'.repeat(43)));
  await refusedAs('not_found', async () => await answer('', true));
});

test('another process, and one after a restart, give the same address for the same operation', async () => {
  const { attempt, challenge } = await challenged();
  const other = createSimulator({ vaults: createCardVaults({}), pool, challengeUrl: PAGE_URL });
  assert.deepEqual(await other.charge(attempt), challenge);
});

test('a challenge that was lost with its answer is found, and one that was never opened is absent', async () => {
  const lost = newCharge(account, 'sim_card_authentication_required', {
    returnUrl: RETURN_URL,
    money: { amountMinor: 66_610n, currency: 'EUR' },
  });
  assert.equal((await provider.charge(lost)).kind, 'unknown');
  assert.equal((await provider.lookup(lost)).kind, 'requires_action');
  const never = newCharge(account, 'sim_card_authentication_required', { returnUrl: RETURN_URL });
  assert.equal((await provider.lookup(never)).kind, 'absent');
});

test('an amount that declines does so after the guest confirmed', async () => {
  const { attempt, token, challenge } = await challenged({
    money: { amountMinor: 66_602n, currency: 'EUR' },
  });
  await answer(token, true);
  const found = await provider.retrieve(attempt, challenge.providerReference);
  assert.ok(found.kind === 'declined');
  assert.equal(found.failure.code, 'insufficient_funds');
});

test('a hosted page shows no card, sends who pays and who cancels to their own addresses, and closes when it says', async () => {
  const paid = await hosted();
  assert.equal((await look(paid.token)).card, undefined);
  assert.deepEqual(paid.challenge.expiresAt, paid.attempt.expiresAt);
  assert.equal(await answer(paid.token, true), paid.attempt.successUrl);
  assert.equal((await provider.lookup(paid.attempt)).kind, 'succeeded');
  const left = await hosted();
  assert.equal(await answer(left.token, false), left.attempt.cancelUrl);
  const found = await provider.lookup(left.attempt);
  assert.ok(found.kind === 'declined');
  assert.equal(found.failure.code, 'not_charged');
  const late = await provider.openHostedPage(
    newHosted(account, { expiresAt: new Date(Date.now() - 60_000) }),
  );
  assert.equal(late.kind, 'declined', 'a page that is over when it opens');
});

test('an answer makes the operation that waits for it due at once, and no other', async () => {
  const { attempt, token } = await challenged();
  const bystander = randomUUID();
  await storeWaiting(attempt.operationId);
  await storeWaiting(bystander);
  await answer(token, true);
  const { rows } = await admin.query<{ id: string; is_due: boolean }>(
    `select id, due_at <= now() as is_due from operations where id = any($1)`,
    [[attempt.operationId, bystander]],
  );
  assert.deepEqual(
    new Map(rows.map(({ id, is_due }) => [id, is_due])),
    new Map([
      [attempt.operationId, true],
      [bystander, false],
    ]),
  );
});

/** An operation that waits for its guest for an hour. Its constraints and payment are the core's; here only its time matters. */
async function storeWaiting(operationId: string): Promise<void> {
  const client = await admin.connect();
  try {
    await client.query('begin');
    // The payment it belongs to is left out, which only a superuser may.
    await client.query(`set local session_replication_role = replica`);
    await client.query(
      `insert into operations (merchant_id, id, payment_id, kind, state, attempt, due_at, fingerprint, amount_minor,
         currency, provider, provider_account_id, provider_account_version, card_token, actor, request_id)
       values ($1, $2, $1, 'sale', 'sent', 1, now() + interval '1 hour', $3, 12500, 'EUR', 'simulator', $1, 1, '', '', '')`,
      [randomUUID(), operationId, Buffer.alloc(32)],
    );
    await client.query('commit');
  } finally {
    client.release();
  }
}
