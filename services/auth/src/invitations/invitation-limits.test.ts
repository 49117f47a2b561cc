import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { newEmail } from '../testing-accounts.ts';
import { asMember, newHotel } from '../testing-members.ts';
import { everyHotelIsRiadAtlas } from '../testing-merchant.ts';
import type { FakeMerchant } from '../testing-merchant.ts';
import { invitationsOf, invite, startInviting } from './test-invitations.ts';

let service: TestAuth;
let merchant: FakeMerchant;
let close: () => Promise<void>;
before(async () => {
  ({ service, merchant, close } = await startInviting());
});
after(() => close());

const BODY = { email: 'ada@hotel.example', role: 'staff' };

describe('409', () => {
  test('the 101st pending invitation of a hotel; one that ended makes room', async () => {
    const { merchantId, owner } = await newHotel(service);
    await service.sql(
      `insert into invitations (merchant_id, id, email, email_key, locale, built_in_role, role_name, merchant_name,
         invited_by, expires_at)
       select $1, gen_random_uuid(), 'x' || n || '@h.example', 'x' || n || '@h.example', 'en', 'staff', 'Staff', 'Riad',
         $2, now() + interval '1 day' from generate_series(1, 100) as n`,
      [merchantId, fromPublicId('usr', owner.userId)],
    );
    const caller = asMember(service, merchantId, owner);
    const full = await caller.post(invitationsOf(merchantId)).send({ ...BODY, email: newEmail() });
    assert.deepEqual([full.status, full.body.code], [409, 'state_conflict']);
    // The same address takes its own place.
    const same = await caller.post(invitationsOf(merchantId)).send({ ...BODY, email: 'x1@h.example' });
    assert.equal(same.status, 201);
    await caller.delete(`${invitationsOf(merchantId)}/${same.body.id}`).expect(204);
    const room = await caller.post(invitationsOf(merchantId)).send({ ...BODY, email: newEmail() });
    assert.equal(room.status, 201);
  });
});

describe('429', () => {
  test('the sixth mail within an hour to an address, from whichever hotel, and nothing is queued or replaced', async () => {
    const [mine, theirs] = [await newHotel(service), await newHotel(service)];
    const email = newEmail();
    const caller = asMember(service, mine.merchantId, mine.owner);
    const path = invitationsOf(mine.merchantId);
    const { id } = await invite(service, mine.merchantId, mine.owner, { email });
    for (const _ of [2, 3, 4]) assert.equal((await caller.post(`${path}/${id}/resend`)).status, 200);
    assert.equal((await caller.post(path).send({ email, role: 'manager' })).status, 201);
    const byOther = asMember(service, theirs.merchantId, theirs.owner);
    const answers = [
      await caller.post(path).send({ email, role: 'staff' }),
      await byOther
        .post(invitationsOf(theirs.merchantId))
        .send({ email: email.toUpperCase(), role: 'staff' }),
    ];
    for (const { status, body, headers } of answers) {
      assert.deepEqual([status, body.code], [429, 'too_many_requests']);
      const wait = Number(headers['retry-after']);
      assert.ok(wait > 3_000 && wait <= 3_600, String(wait));
    }
    const [open] = (await caller.get(path)).body.data;
    assert.deepEqual([open.role, open.status], ['manager', 'pending']);
    assert.equal((await caller.post(`${path}/${open.id}/resend`)).status, 429);
    // An hour later.
    await service.sql(`update invitation_mails set asked_at = asked_at - interval '61 minutes'`);
    assert.equal((await caller.post(`${path}/${open.id}/resend`)).status, 200);
  });

  test('of many who invite one address at once exactly five mails are asked for', async () => {
    const email = newEmail();
    const hotels: Awaited<ReturnType<typeof newHotel>>[] = [];
    while (hotels.length < 8) hotels.push(await newHotel(service));
    const answers = await Promise.all(
      hotels.map(({ merchantId, owner }) =>
        asMember(service, merchantId, owner).post(invitationsOf(merchantId)).send({ email, role: 'staff' }),
      ),
    );
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    assert.deepEqual(statuses, [201, 201, 201, 201, 201, 429, 429, 429]);
  });
});

describe('503', () => {
  test('while the merchant service is away, late or confused, with nothing stored', async () => {
    const { merchantId, owner } = await newHotel(service);
    const lonely = await startTestAuth();
    try {
      const hotel = await newHotel(lonely);
      const away = await asMember(lonely, hotel.merchantId, hotel.owner)
        .post(invitationsOf(hotel.merchantId))
        .send(BODY);
      assert.deepEqual([away.status, away.body.code], [503, 'unavailable']);
      assert.ok(Number(away.headers['retry-after']) > 0);
    } finally {
      await lonely.close();
    }
    const late = Promise.withResolvers<object>();
    for (const answer of [
      () => late.promise,
      () => {
        throw new Error('a bug');
      },
    ]) {
      merchant.answerWith(answer);
      const { status } = await asMember(service, merchantId, owner)
        .post(invitationsOf(merchantId))
        .send(BODY);
      assert.equal(status, 503);
    }
    late.resolve({});
    merchant.answerWith(() => {
      throw new AppError('not_found');
    });
    const unknown = await asMember(service, merchantId, owner).post(invitationsOf(merchantId)).send(BODY);
    assert.equal(unknown.status, 404);
    merchant.answerWith(everyHotelIsRiadAtlas);
    assert.deepEqual(await invitationRows(merchantId), []);
  });
});

async function invitationRows(merchantId: string): Promise<Record<string, unknown>[]> {
  return await service.sql('select * from invitations where merchant_id = $1', [merchantId]);
}
