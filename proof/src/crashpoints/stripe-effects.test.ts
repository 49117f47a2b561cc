import assert from 'node:assert/strict';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { createStripeReader } from './stripe-effects.ts';

const folder = temporaryFolder('stripe-effects');
after(() => rmSync(folder, { recursive: true, force: true }));

const line = (of: object): string => `${JSON.stringify({ seq: 1, at: '2026-01-01T00:00:00.000Z', ...of })}\n`;
const effect = (name: string, more: object): string => line({ kind: 'effect', effect: name, ...more });

test('a journal is read as it grows: money of a payment by either reference, a half-written line later', async () => {
  const file = join(folder, 'journal.jsonl');
  writeFileSync(
    file,
    effect('payment_intent.created', { payment_intent: 'pi_1', metadata: { centra_payment: 'pay_1' } }) +
      effect('authorization.succeeded', { payment_intent: 'pi_1', amount: 100 }) +
      effect('authorization.succeeded', { payment_intent: 'pi_2', amount: 7 }) +
      line({ kind: 'state', type: 'event', value: { id: 'evt_1', note: 'é' } }),
  );
  const read = createStripeReader(file);
  const payment = { id: 'pay_1', reference: null };
  const first = await read();
  assert.deepEqual(first.effectsOn(payment), ['authorize 100']);
  assert.deepEqual(first.effectsOn({ id: 'pay_0', reference: 'pi_2' }), ['authorize 7']);
  assert.equal(first.undelivered(), 1);

  const more = effect('authorization.incremented', {
    payment_intent: 'pi_1',
    amount: 5,
    amount_new_total: 105,
  });
  appendFileSync(file, more.slice(0, 30));
  assert.deepEqual((await read()).effectsOn(payment), ['authorize 100']);
  appendFileSync(file, more.slice(30) + line({ kind: 'state', type: 'webhook_done', event: 'evt_1' }));
  // A second charge for the same payment, under another intent, is not overlooked.
  const twice = { payment_intent: 'pi_3', amount: 100, metadata: { centra_payment: 'pay_1' } };
  appendFileSync(file, effect('charge.succeeded', twice));
  const [last] = await Promise.all([read(), read()]);
  assert.deepEqual(last.effectsOn(payment), ['authorize 100', 'adjust 105', 'sale 100']);
  assert.equal(last.undelivered(), 0);
});
