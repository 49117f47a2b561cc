import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { newOperationPayment, newUnknownOperation } from '../testing/operators-objects.ts';
import { newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Answer, Stand } from '../testing/start-with-doubles.ts';
import { settlementSchema } from './settle-unknown-operation.ts';

const scopes = ['operations:settle'];
const staff = newMerchant({ scopes });
const EVIDENCE = 'Stripe dashboard, 10:15:\n\tpi_3NqExample shows the capture.';
const HAPPENED = { outcome: 'happened', evidence: EVIDENCE, provider_reference: 'pi_3NqExample' };
const DID_NOT = { outcome: 'not_happened', evidence: 'Nothing under that key at Stripe.' };

let stand: Stand;
before(async () => {
  stand = await startWithDoubles();
  stand.transaction.operators.payment = newOperationPayment();
});
after(async () => await stand.close());

const newOne = (): string => {
  const it = newUnknownOperation();
  stand.transaction.operators.unknown.push({ merchantId: staff.merchantId, mode: Mode.MODE_TEST, it });
  return it.operationId;
};
const settle = async (id: string, body: unknown, as: Identity | null = staff): Promise<Answer> =>
  await stand.call(`/v1/unknown-operations/${id}/settle`, { method: 'POST', body, as });

describe('200', () => {
  test('it happened: transaction hears what was seen, where, by whom, and the payment follows', async () => {
    const id = newOne();
    const answer = await settle(id, { ...HAPPENED, evidence: `  ${EVIDENCE} ` });
    assert.equal(answer.status, 200);
    const json = settlementSchema.strict().parse(answer.json());
    assert.deepEqual([json.operation_id, json.state, json.payment.status], [id, 'succeeded', 'succeeded']);
    const { merchantId, operationId, happened, evidence, providerReference, origin } =
      stand.transaction.operators.settled.at(-1) ?? {};
    assert.deepEqual(
      { merchantId, operationId, happened, evidence, providerReference },
      {
        merchantId: staff.merchantId,
        operationId: id,
        happened: true,
        evidence: EVIDENCE,
        providerReference: 'pi_3NqExample',
      },
    );
    assert.deepEqual(
      [origin?.actor, origin?.address, origin?.requestId],
      [staff.actor, '203.0.113.7', answer.headers['x-request-id']],
    );
  });

  test('it did not happen: no reference is needed', async () => {
    const answer = await settle(newOne(), DID_NOT);
    assert.equal(answer.status, 200);
    assert.deepEqual([answer.json()['state']], ['declined']);
    assert.deepEqual(stand.transaction.operators.settled.at(-1)?.providerReference, '');
  });
});

describe('refused, and nothing is settled', () => {
  test('400 by name', async () => {
    const id = newOne();
    const refused: [Record<string, unknown>, string][] = [
      [{ ...DID_NOT, outcome: 'perhaps' }, 'outcome'],
      [{ evidence: EVIDENCE }, 'outcome'],
      [{ outcome: 'not_happened' }, 'evidence'],
      [{ ...DID_NOT, evidence: 'too short' }, 'evidence'],
      [{ ...DID_NOT, evidence: `${' '.repeat(40)}short` }, 'evidence'],
      [{ ...DID_NOT, evidence: 'x'.repeat(2_001) }, 'evidence'],
      [{ ...DID_NOT, evidence: 'a bell \u0007 in the middle' }, 'evidence'],
      [{ ...DID_NOT, evidence: 'turned round \u202e in the middle' }, 'evidence'],
      [{ outcome: 'happened', evidence: EVIDENCE }, 'provider_reference'],
      [{ ...HAPPENED, provider_reference: '' }, 'provider_reference'],
      [{ ...HAPPENED, provider_reference: 'pi 3' }, 'provider_reference'],
      [{ ...HAPPENED, provider_reference: 'p'.repeat(256) }, 'provider_reference'],
      [{ ...HAPPENED, merchant_id: 'x' }, 'merchant_id'],
    ];
    for (const [body, field] of refused) {
      const answer = await settle(id, body);
      assert.deepEqual([answer.status, answer.errorFields()], [400, [field]], JSON.stringify(body));
    }
    assert.ok(!stand.transaction.operators.settled.some(({ operationId }) => operationId === id));
    assert.equal((await settle(id, DID_NOT)).status, 200);
  });

  test('401 and 403: no identity, and whoever may only look', async () => {
    assert.equal((await settle(newOne(), DID_NOT, null)).status, 401);
    const reader = newMerchant({
      merchantId: staff.merchantId,
      scopes: ['operations:read', 'payments:write'],
    });
    const answer = await settle(newOne(), DID_NOT, reader);
    assert.deepEqual([answer.status, answer.json()['required_scope']], [403, 'operations:settle']);
  });

  test('404: another hotel’s operation, the other mode’s, an unknown one, and what is no operation id', async () => {
    const id = newOne();
    const live = newMerchant({ merchantId: staff.merchantId, mode: 'live', scopes });
    for (const [each, as] of [
      [id, newMerchant({ scopes })],
      [id, live],
      [toPublicId('op', newUuid()), staff],
      [toPublicId('pay', newUuid()), staff],
      ['x', staff],
    ] as const)
      assert.equal((await settle(each, DID_NOT, as)).status, 404, each);
    assert.ok(!stand.transaction.operators.settled.some(({ operationId }) => operationId === id));
  });

  test('409: it was settled before', async () => {
    const id = newOne();
    assert.equal((await settle(id, DID_NOT)).status, 200);
    const again = await settle(id, HAPPENED);
    assert.deepEqual([again.status, again.json()['code']], [409, 'state_conflict']);
  });

  test('405, 415, 422 for a card number in the evidence, 503', async () => {
    const id = newOne();
    const path = `/v1/unknown-operations/${id}/settle`;
    assert.equal((await stand.call(path, { as: staff })).status, 405);
    const headers = { 'content-type': 'text/plain' };
    assert.equal((await stand.call(path, { method: 'POST', as: staff, body: DID_NOT, headers })).status, 415);
    const card = await settle(id, { ...DID_NOT, evidence: 'the card was 4242 4242 4242 4242' });
    assert.deepEqual([card.status, card.json()['code']], [422, 'card_data_not_allowed']);
    stand.transaction.operators.faults.push(new AppError('unavailable'));
    assert.equal((await settle(id, DID_NOT)).status, 503);
  });
});
