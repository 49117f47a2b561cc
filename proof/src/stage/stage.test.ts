import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { captureTestCard } from '@centra/dev/take-payment.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { request } from 'undici';
import { z } from 'zod';
import { LINKS, REPLICAS, startStage } from './stage.ts';
import type { Stage, StageHotel } from './stage.ts';

const ANSWER_TIMEOUT_MS = 30_000;
const paymentSchema = z.object({ id: z.string(), status: z.string(), amount: z.int() });

const folder = temporaryFolder('stage');
let stage: Stage;
before(async () => {
  stage = await startStage({ folder, say: () => {} });
});
after(async () => {
  await stage.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a stage charges through both doors at both hotels, and heals what was killed, held and cut', async (t) => {
  await t.test('each replica runs, and each charge is made', async () => {
    for (const name of REPLICAS) assert.ok(stage.replica(name).isRunning(), name);
    assert.deepEqual(
      stage.hotels.map(({ provider }) => provider),
      ['stripe', 'simulator'],
    );
    await chargeEverywhere();
  });

  await t.test('every wire that a charge needs goes through its link', () => {
    const unused = LINKS.filter((name) => stage.links[name].openConnections() === 0);
    // Asked when somebody calls them: gRPC of auth by an operator, payment-api by a booking engine, webhooks when Stripe sends.
    const onDemand = ['auth', 'auth-grpc', 'merchant', 'payment-api-grpc', 'webhooks'];
    assert.deepEqual(
      unused.filter((name) => !onDemand.includes(name)),
      stage.redis === undefined ? ['redis'] : [],
    );
  });

  await t.test('what was killed, held or cut works again once the stage is healed', async () => {
    const pidBefore = stage.replica('transaction-1').pid();
    await stage.replica('transaction-1').kill9();
    stage.replica('payment-api-2').pause();
    stage.links.vaultera.set({ kind: 'refuse' });
    await stage.postgres.kill9();
    await stage.redis?.kill9();
    assert.ok(!stage.replica('transaction-1').isRunning());
    await stage.heal();
    assert.ok(stage.replica('transaction-1').isRunning());
    assert.notEqual(stage.replica('transaction-1').pid(), pidBefore);
    await chargeEverywhere();
    assert.deepEqual(stage.crashes, []);
  });

  await t.test('nothing runs after its end, which may be asked for twice', async () => {
    stage.replica('merchant-1').pause();
    stage.postgres.pause();
    const pids = [...REPLICAS.map((name) => stage.replica(name).pid()), stage.postgres.pid()];
    if (stage.nats !== undefined) pids.push(stage.nats.pid);
    await stage.stop();
    await stage.stop();
    assert.deepEqual(
      pids.filter((pid) => existsSync(`/proc/${pid}`)),
      [],
    );
  });
});

async function chargeEverywhere(): Promise<void> {
  for (const door of stage.doors)
    for (const hotel of stage.hotels) {
      const answer = await charge(door, hotel, randomUUID());
      assert.equal(answer.status, 201, answer.text);
      const payment = paymentSchema.parse(JSON.parse(answer.text));
      assert.deepEqual([payment.status, payment.amount], ['succeeded', 12_550]);
    }
}

async function charge(
  door: string,
  hotel: StageHotel,
  key: string,
): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(`${door}/v1/charge`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${hotel.apiKey}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: JSON.stringify({
      card_token: await captureTestCard(stage, hotel),
      amount: 12_550,
      currency: 'EUR',
      booking_reference: 'BK-STAGE',
    }),
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
  });
  return { status: statusCode, text: await body.text() };
}
