import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { TestAuth } from '../test-service.ts';
import { allMailsTo, asAnyone, newEmail } from '../testing-accounts.ts';
import { addPerson, asMember, auditOf, newHotel } from '../testing-members.ts';
import type { FakeMerchant } from '../testing-merchant.ts';
import { inCapitals, invitationsOf, invite, newestLink, startInviting } from './test-invitations.ts';

let service: TestAuth;
let merchant: FakeMerchant;
let close: () => Promise<void>;
before(async () => {
  ({ service, merchant, close } = await startInviting());
});
after(() => close());

describe('create', () => {
  test('the answer is the invitation; the mail names hotel, inviter and role and leads to the dashboard', async () => {
    const { merchantId, owner } = await newHotel(service);
    const email = newEmail();
    const { status, body } = await asMember(service, merchantId, owner)
      .post(invitationsOf(merchantId))
      .send({ email, role: 'manager', locale: 'en' });
    assert.equal(status, 201);
    const { id, created_at: createdAt, expires_at: expiresAt, ...rest } = body;
    assert.match(id, /^inv_[0-9a-z]{26}$/);
    assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 7 * 86_400_000);
    assert.deepEqual(rest, {
      object: 'invitation',
      email,
      role: 'manager',
      role_name: 'Manager',
      status: 'pending',
      invited_by: owner.userId,
    });
    assert.deepEqual(merchant.asked.at(-1), merchantId);
    const { mail, token } = await newestLink(service, email);
    assert.match(mail.text, /Ada Example invites you .* Riad Atlas /);
    assert.match(mail.text, /Your role there: Manager\./);
    assert.ok(mail.text.includes(`\nhttps://dashboard.centra.example/invitations#token=${token}\n`));
  });

  test('the secret stands in the mail only: the table has its hash and no answer or event has it', async () => {
    const { merchantId, owner } = await newHotel(service);
    const { token, email } = await invite(service, merchantId, owner);
    const [row] = await service.sql(
      'select *, invitations::text as everything from invitations where merchant_id = $1',
      [merchantId],
    );
    assert.deepEqual(row?.['secret_hash'], createHash('sha256').update(token).digest());
    const jobs = await service.sql('select payload::text from graphile_worker._private_jobs');
    const trail = await auditOf(service, merchantId);
    for (const text of [JSON.stringify(row), JSON.stringify(jobs), JSON.stringify(trail)])
      assert.ok(!text.includes(token));
    // Nor does the trail, which is never emptied, keep the address.
    assert.ok(!JSON.stringify(trail).includes(email));
  });

  test('the mail is in the language that was asked for, else the hotel’s, else English', async () => {
    const { merchantId, owner } = await newHotel(service);
    const arabic = await invite(service, merchantId, owner, { locale: 'ar' });
    assert.match(arabic.mail.html, /<html lang="ar" dir="rtl">/);
    assert.match((await invite(service, merchantId, owner)).mail.html, /<html lang="fr" dir="ltr">/);
    merchant.answerWith(() => ({ name: 'Ryokan Fuji', locale: 'ja' }));
    const other = await invite(service, merchantId, owner);
    merchant.answerWith(() => ({ name: 'Riad Atlas', locale: 'fr' }));
    assert.match(other.mail.html, /<html lang="en" dir="ltr">/);
    assert.match(other.mail.text, /Ryokan Fuji/);
  });

  test('the week begins when the mail is sent', async () => {
    const { merchantId, owner } = await newHotel(service);
    const { id } = await invite(service, merchantId, owner);
    const [row] = await service.sql(
      `select expires_at - created_at > interval '7 days' as later from invitations where id = $1`,
      [fromPublicId('inv', id)],
    );
    assert.equal(row?.['later'], true);
  });

  test('a second invitation to an address, however it is written, replaces the first, whose link is dead', async () => {
    const { merchantId, owner } = await newHotel(service);
    const email = newEmail();
    const first = await invite(service, merchantId, owner, { email });
    const second = await invite(service, merchantId, owner, { email: inCapitals(email), role: 'manager' });
    assert.notEqual(first.token, second.token);
    const previews = await Promise.all(
      [first, second].map(({ token }) => asAnyone(service).post('/v1/invitations/preview').send({ token })),
    );
    assert.deepEqual(
      previews.map(({ status }) => status),
      [410, 200],
    );
    const list = (await asMember(service, merchantId, owner).get(invitationsOf(merchantId))).body.data;
    assert.deepEqual(
      list.map(({ id, status }: { id: string; status: string }) => [id, status]),
      [
        [second.id, 'pending'],
        [first.id, 'revoked'],
      ],
    );
  });
});

describe('list, resend and revoke', () => {
  test('a list is newest first, in pages, and holds the hotel’s own only', async () => {
    const [mine, theirs] = [await newHotel(service), await newHotel(service)];
    const first = await invite(service, mine.merchantId, mine.owner);
    const second = await invite(service, mine.merchantId, mine.owner);
    const foreign = await invite(service, theirs.merchantId, theirs.owner);
    const caller = asMember(service, mine.merchantId, mine.manager, 'manager');
    const page = (await caller.get(`${invitationsOf(mine.merchantId)}?limit=1`)).body;
    assert.deepEqual([page.data[0].id, page.has_more], [second.id, true]);
    const next = (await caller.get(`${invitationsOf(mine.merchantId)}?cursor=${page.next_cursor}`)).body;
    assert.deepEqual([next.data[0].id, next.data.length, next.has_more], [first.id, 1, false]);
    const cursor = Buffer.from(foreign.id).toString('base64url');
    const beyond = (await caller.get(`${invitationsOf(mine.merchantId)}?cursor=${cursor}`)).body;
    assert.ok(beyond.data.every(({ id }: { id: string }) => id !== foreign.id));
  });

  test('sent again, the new link works and the old one is dead, also when it had expired', async () => {
    const { merchantId, owner, admin } = await newHotel(service);
    const { id, email, token } = await invite(service, merchantId, owner);
    await service.sql(
      `update invitations set created_at = created_at - interval '8 days', expires_at = expires_at - interval '8 days'
       where id = $1`,
      [fromPublicId('inv', id)],
    );
    const path = invitationsOf(merchantId);
    const caller = asMember(service, merchantId, admin, 'admin');
    assert.equal((await caller.get(path)).body.data[0].status, 'expired');
    const again = await caller.post(`${path}/${id}/resend`);
    assert.deepEqual(
      [again.status, again.body.id, again.body.status, again.body.invited_by],
      [200, id, 'pending', admin.userId],
    );
    const renewed = await newestLink(service, email, 2);
    const preview = (secret: string) =>
      asAnyone(service).post('/v1/invitations/preview').send({ token: secret });
    assert.deepEqual([(await preview(token)).status, (await preview(renewed.token)).status], [410, 200]);
  });

  test('revoked, its link is dead at once, a mail on its way is not sent, and repeating it changes nothing', async () => {
    const { merchantId, owner } = await newHotel(service);
    const { id, email, token } = await invite(service, merchantId, owner);
    const caller = asMember(service, merchantId, owner);
    for (const _ of [1, 2])
      assert.equal((await caller.delete(`${invitationsOf(merchantId)}/${id}`)).status, 204);
    assert.equal((await asAnyone(service).post('/v1/invitations/preview').send({ token })).status, 410);
    await queueAgain(id, email);
    assert.equal((await allMailsTo(service, email)).length, 1);
    const trail = await auditOf(service, merchantId);
    assert.deepEqual(
      trail.filter(({ object_id }) => object_id === id).map(({ action, details }) => [action, details]),
      [
        [
          'invitation.created',
          { after: { status: 'pending', email: 'g***@riad-atlas.example', role: 'staff' } },
        ],
        [
          'invitation.revoked',
          { before: { status: 'pending' }, after: { status: 'revoked' }, role: 'staff' },
        ],
      ],
    );
  });
});

test('a mail that is sent twice, as after a crash: the last one’s link works, and only that', async () => {
  const { merchantId, owner } = await newHotel(service);
  const { id, email, token } = await invite(service, merchantId, owner);
  await queueAgain(id, email);
  const last = await newestLink(service, email, 2);
  const statuses = [token, last.token].map(
    async (each) => (await asAnyone(service).post('/v1/invitations/preview').send({ token: each })).status,
  );
  assert.deepEqual(await Promise.all(statuses), [410, 200]);
});

/** The job as the queue takes it up again. */
async function queueAgain(id: string, email: string): Promise<void> {
  const invitationId = fromPublicId('inv', id);
  const payload = { to: email, name: '', locale: 'en', template: 'invitation', invitationId };
  await service.sql(`select from graphile_worker.add_job('send_email', $1::json)`, [JSON.stringify(payload)]);
}

describe('preview', () => {
  test('says what is offered and whether there is an account, and uses nothing up', async () => {
    const { merchantId, owner } = await newHotel(service);
    const person = await addPerson(service);
    const roles = await asMember(service, merchantId, owner)
      .post('/v1/roles')
      .send({ name: 'Night desk', permissions: ['payments:read'] });
    const { token } = await invite(service, merchantId, owner, {
      email: person.email,
      role: roles.body.id,
    });
    const stranger = await invite(service, merchantId, owner);
    for (const _ of [1, 2]) {
      const { status, body } = await asAnyone(service).post('/v1/invitations/preview').send({ token });
      const { expires_at: expiresAt, ...rest } = body;
      assert.equal(status, 200);
      assert.ok(Number.isFinite(Date.parse(expiresAt)));
      assert.deepEqual(rest, {
        merchant_id: toPublicId('mer', merchantId),
        merchant_name: 'Riad Atlas',
        email: person.email,
        role: roles.body.id,
        role_name: 'Night desk',
        has_account: true,
      });
    }
    const { body } = await asAnyone(service).post('/v1/invitations/preview').send({ token: stranger.token });
    assert.equal(body.has_account, false);
  });
});
