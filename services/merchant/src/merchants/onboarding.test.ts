import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MerchantState, MerchantVerdict } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { fromServiceError } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { GRPC, newHotel, startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { COMPLETE, asOwner, newComplete, newDraft, newVerified, review } from '../testing/onboarding.ts';
import { LEGAL_MOVES, STATES } from './merchant-state.ts';
import type { State } from './merchant-state.ts';

const { MERCHANT_VERDICT_VERIFY, MERCHANT_VERDICT_RETURN, MERCHANT_VERDICT_SUSPEND } = MerchantVerdict;
const { MERCHANT_VERDICT_RESTORE, MERCHANT_VERDICT_CLOSE, MERCHANT_VERDICT_UNSPECIFIED } = MerchantVerdict;

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

async function moves(merchantId: string): Promise<unknown[]> {
  const rows = await service.sql(
    `select actor, before->>'state' as was, after->>'state' as is from audit_events
      where merchant_id = $1 and action = 'merchant.state_changed' order by seq`,
    [merchantId],
  );
  return rows.map((row) => [row['actor'], row['was'], row['is']]);
}

test('a draft that lacks nothing is submitted and verified; each move is in its history with who made it', async () => {
  const { owner, path, merchantId, userId } = await newComplete(service);
  assert.deepEqual((await owner.get(path).expect(200)).body.missing, []);
  assert.equal((await owner.post(`${path}/submit`).expect(200)).body.state, 'submitted');
  const verified = await review(service, merchantId, MERCHANT_VERDICT_VERIFY);
  assert.equal(verified.state, MerchantState.MERCHANT_STATE_VERIFIED);
  assert.equal((await owner.get(path).expect(200)).body.state, 'verified');
  assert.deepEqual(await moves(merchantId), [
    [`user:${userId}`, 'draft', 'submitted'],
    ['operator:jane', 'submitted', 'verified'],
  ]);
});

test('submitting an incomplete draft is 409 naming each thing that is missing, which the hotel shows too', async () => {
  const { owner, path } = await newDraft(service);
  const refused = await owner.post(`${path}/submit`).expect(409);
  assert.equal(refused.body.code, 'onboarding_incomplete');
  assert.deepEqual(
    refused.body.errors.map((error: { field: string }) => error.field),
    [
      'profile.legal_name',
      'profile.business_type',
      'profile.address.line1',
      'profile.address.city',
      'profile.address.country',
      'profile.phone',
      'profile.email',
      'currencies',
      'provider_accounts',
    ],
  );
  const shown = await owner.get(path).expect(200);
  assert.deepEqual(shown.body.missing, refused.body.errors);
  await owner.post(path).send(COMPLETE).expect(200);
  const left = (await owner.get(path).expect(200)).body.missing;
  assert.deepEqual(
    left.map((each: { field: string }) => each.field),
    ['provider_accounts'],
  );
  await owner.post(`${path}/submit`).expect(409);
});

test('a vault alone takes no payments, and a deleted account counts no more', async () => {
  const { owner, path } = await newDraft(service, COMPLETE);
  const missing = async (): Promise<unknown> => (await owner.get(path).expect(200)).body.missing;
  const connect = async (body: object): Promise<string> =>
    (
      await owner
        .post('/v1/provider-accounts')
        .send({ mode: 'test', ...body })
        .expect(201)
    ).body.id;
  await connect({ provider: 'vaultera', credentials: { api_key: '0123456789abcdef0123456789abcdef' } });
  assert.notDeepEqual(await missing(), []);
  const id = await connect({ provider: 'simulator', credentials: {} });
  assert.deepEqual(await missing(), []);
  await owner.delete(`/v1/provider-accounts/${id}`).expect(200);
  assert.notDeepEqual(await missing(), []);
});

test('returned with a reason it is a draft again that shows it; submitted again it does not', async () => {
  const { owner, path, merchantId } = await newComplete(service);
  await owner.post(`${path}/submit`).expect(200);
  await review(service, merchantId, MERCHANT_VERDICT_RETURN, { reason: 'The register says otherwise' });
  const returned = (await owner.get(path).expect(200)).body;
  assert.deepEqual([returned.state, returned.state_reason], ['draft', 'The register says otherwise']);
  const again = (await owner.post(`${path}/submit`).expect(200)).body;
  assert.deepEqual([again.state, again.state_reason], ['submitted', null]);
});

test('a repeated verdict and a repeated submission change nothing and answer the same', async () => {
  const { owner, path, merchantId } = await newComplete(service);
  const first = (await owner.post(`${path}/submit`).expect(200)).body;
  assert.deepEqual((await owner.post(`${path}/submit`).expect(200)).body, first);
  for (const verdict of [
    MERCHANT_VERDICT_VERIFY,
    MERCHANT_VERDICT_SUSPEND,
    MERCHANT_VERDICT_RESTORE,
    MERCHANT_VERDICT_CLOSE,
  ]) {
    const answered = await review(service, merchantId, verdict);
    assert.deepEqual(await review(service, merchantId, verdict), answered);
  }
  assert.equal((await moves(merchantId)).length, 5);
});

test('a suspended hotel goes back to what it was, whatever that was', async () => {
  const hotels = [await newDraft(service), await newComplete(service), await newVerified(service)];
  await hotels[1]?.owner.post(`${hotels[1].path}/submit`).expect(200);
  for (const [index, expected] of ['draft', 'submitted', 'verified'].entries()) {
    const hotel = hotels[index];
    assert.ok(hotel);
    await review(service, hotel.merchantId, MERCHANT_VERDICT_SUSPEND, { reason: 'Stolen cards' });
    const suspended = (await hotel.owner.get(hotel.path).expect(200)).body;
    assert.deepEqual([suspended.state, suspended.state_reason], ['suspended', 'Stolen cards']);
    await hotel.owner.post(`${hotel.path}/submit`).expect(409);
    await review(service, hotel.merchantId, MERCHANT_VERDICT_RESTORE);
    const restored = (await hotel.owner.get(hotel.path).expect(200)).body;
    assert.deepEqual([restored.state, restored.state_reason], [expected, null]);
  }
});

test('eight submissions and verdicts at once make each move once', async () => {
  const { owner, path, merchantId } = await newComplete(service);
  const answers = await Promise.all(Array.from({ length: 8 }, () => owner.post(`${path}/submit`)));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  const verdicts = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) =>
      review(service, merchantId, index % 2 === 0 ? MERCHANT_VERDICT_VERIFY : MERCHANT_VERDICT_RETURN),
    ),
  );
  // Whichever verdict was first decides: the other is refused from then on.
  const refused = verdicts.filter(({ status }) => status === 'rejected');
  assert.equal(refused.length, 4);
  const made = await moves(merchantId);
  assert.equal(made.length, 2, JSON.stringify(made));
});

async function conflict(asking: Promise<unknown>): Promise<void> {
  await assert.rejects(asking, (error) => {
    assert.equal(fromServiceError(error).code, 'state_conflict');
    return true;
  });
}

describe('409 state_conflict', () => {
  test('verdicts that the state does not allow', async () => {
    const { merchantId } = await newDraft(service);
    await conflict(review(service, merchantId, MERCHANT_VERDICT_VERIFY));
    await review(service, merchantId, MERCHANT_VERDICT_SUSPEND);
    await conflict(review(service, merchantId, MERCHANT_VERDICT_VERIFY));
    await conflict(review(service, merchantId, MERCHANT_VERDICT_RETURN));
    const verified = await newHotel(service);
    await conflict(review(service, verified, MERCHANT_VERDICT_RETURN));
  });

  test('anything about a closed hotel but closing it again', async () => {
    const { owner, path, merchantId } = await newComplete(service);
    const closed = (await owner.post(`${path}/close`).send({ reason: 'Sold' }).expect(200)).body;
    assert.deepEqual([closed.state, closed.state_reason], ['closed', 'Sold']);
    assert.equal(
      (await owner.post(`${path}/close`).send({ reason: 'Again' }).expect(200)).body.state_reason,
      'Sold',
    );
    for (const verdict of [
      MERCHANT_VERDICT_VERIFY,
      MERCHANT_VERDICT_RETURN,
      MERCHANT_VERDICT_SUSPEND,
      MERCHANT_VERDICT_RESTORE,
    ])
      await conflict(review(service, merchantId, verdict));
    await owner.post(`${path}/submit`).expect(409);
    await owner.post(path).send({ name: 'Other' }).expect(409);
    await owner.post(`${path}/logo`).send({ image: 'AAAA' }).expect(409);
    await owner.delete(`${path}/logo`).expect(409);
    assert.equal((await owner.get(path).expect(200)).body.state, 'closed');
  });
});

describe('refusals of the operator’s door', () => {
  test('NOT_FOUND for an unknown hotel', async () => {
    await assert.rejects(review(service, newUuid(), MERCHANT_VERDICT_VERIFY), { code: GRPC.NOT_FOUND });
  });

  test('INVALID_ARGUMENT for a missing reason, a long one, a nameless actor, no verdict and a card number', async () => {
    const merchantId = await newHotel(service);
    const cases: [MerchantVerdict, object][] = [
      [MERCHANT_VERDICT_SUSPEND, { reason: '' }],
      [MERCHANT_VERDICT_SUSPEND, { reason: 'x'.repeat(501) }],
      [MERCHANT_VERDICT_SUSPEND, { reason: 'a\nb' }],
      [MERCHANT_VERDICT_SUSPEND, { actor: '' }],
      [MERCHANT_VERDICT_SUSPEND, { actor: 'jane' }],
      [MERCHANT_VERDICT_SUSPEND, { reason: 'card 4242 4242 4242 4242' }],
      [MERCHANT_VERDICT_UNSPECIFIED, {}],
      [MERCHANT_VERDICT_VERIFY, { merchantId: 'mer_1' }],
    ];
    for (const [verdict, more] of cases)
      await assert.rejects(
        review(service, merchantId, verdict, more),
        { code: GRPC.INVALID_ARGUMENT },
        JSON.stringify(more),
      );
    assert.deepEqual(await moves(merchantId), []);
  });

  test('PERMISSION_DENIED for every caller but the operator', async () => {
    const merchantId = await newHotel(service);
    for (const name of ['api-gateway', 'auth', 'payment-api', 'transaction']) {
      const client = service.client(name);
      const asked = { merchantId, verdict: MERCHANT_VERDICT_CLOSE, reason: 'x', actor: 'operator:x' };
      await assert.rejects(
        new Promise((resolve, reject) => {
          client.reviewMerchant(asked, (error, answer) => (error === null ? resolve(answer) : reject(error)));
        }),
        { code: GRPC.PERMISSION_DENIED },
      );
    }
    assert.deepEqual(await moves(merchantId), []);
  });
});

describe('refusals of submit and close', () => {
  test('400: a query, a body that is none, no reason; 403: a credential without the permission, 404: another hotel', async () => {
    const { owner, path, merchantId, userId } = await newComplete(service);
    const other = await newDraft(service);
    const reader = asOwner(service, merchantId, userId, { scopes: ['merchants:read'] });
    await owner.post(`${path}/submit?x=1`).expect(400);
    await owner.post(`${path}/close`).send({}).expect(400);
    await owner.post(`${path}/close`).send({ reason: 'x', state: 'verified' }).expect(400);
    await reader.post(`${path}/submit`).expect(403);
    await reader.post(`${path}/close`).send({ reason: 'x' }).expect(403);
    await other.owner.post(`${path}/submit`).expect(404);
    await other.owner.post(`${path}/close`).send({ reason: 'x' }).expect(404);
    await other.owner.post(`/v1/merchants/${toPublicId('mer', newUuid())}/submit`).expect(404);
    assert.deepEqual(await moves(merchantId), []);
    assert.equal((await owner.get(path).expect(200)).body.state, 'draft');
  });
});

test('the table of legal moves and the database’s constraint are the same table', async () => {
  const merchantId = await newHotel(service);
  const canMove = async (from: State, earlier: State | null, to: State): Promise<boolean> => {
    await service.sql('begin');
    try {
      await service.sql('set local session_replication_role = replica');
      await service.sql('update merchants set state = $2, state_from = $3 where merchant_id = $1', [
        merchantId,
        from,
        earlier,
      ]);
      await service.sql('set local session_replication_role = origin');
      await service.sql('update merchants set state = $2 where merchant_id = $1', [merchantId, to]);
      return true;
    } catch (error) {
      assert.equal(
        error instanceof Error && 'constraint' in error && error.constraint,
        'merchants_state_moves',
      );
      return false;
    } finally {
      await service.sql('rollback');
    }
  };
  // How each state may have been reached, so that the row to start from is a legal one.
  const reached: Record<State, (State | null)[]> = {
    draft: [null, 'submitted'],
    submitted: ['draft'],
    verified: [null, 'submitted'],
    suspended: ['draft', 'submitted', 'verified'],
    closed: ['draft', 'submitted', 'verified', 'suspended'],
  };
  for (const from of STATES)
    for (const earlier of reached[from])
      for (const to of STATES) {
        if (to === from) continue;
        const isLegal =
          LEGAL_MOVES[from].includes(to) && (from !== 'suspended' || to === 'closed' || to === earlier);
        assert.equal(await canMove(from, earlier, to), isLegal, `${earlier} → ${from} → ${to}`);
      }
});
