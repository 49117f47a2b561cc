import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { mailsTo } from '../emails/test-maildir.ts';
import type { TestAuth } from '../test-service.ts';
import { GOOD_PASSWORD, asAnyone, logIn, registerUnverified, userEvents } from '../testing-accounts.ts';
import {
  addPerson,
  asMember,
  auditOf,
  membersOf,
  newHotel,
  setMember,
  watchChanges,
} from '../testing-members.ts';
import { accept, inCapitals, invitationsOf, invite, newestLink, startInviting } from './test-invitations.ts';

let service: TestAuth;
let close: () => Promise<void>;
before(async () => {
  ({ service, close } = await startInviting());
});
after(() => close());

describe('accept', () => {
  test('makes the person a member with the role that was offered, audited and announced in one', async () => {
    const { merchantId, owner } = await newHotel(service);
    const person = await addPerson(service);
    const { id, token } = await invite(service, merchantId, owner, {
      email: inCapitals(person.email),
      role: 'manager',
    });
    const changes = await watchChanges(service);
    const answer = await accept(service, person, { token });
    assert.deepEqual(
      [answer.status, answer.body],
      [200, { merchant_id: toPublicId('mer', merchantId), role: 'manager' }],
    );
    await waitFor('the announcement', async () =>
      changes.heard.some((event) => event.$case === 'changedMember' && event.value.userId === person.userId)
        ? true
        : undefined,
    );
    changes.stop();
    const caller = asMember(service, merchantId, owner);
    const member = (await caller.get(`/v1/users/${person.userId}`)).body;
    assert.deepEqual([member.role, member.suspended], ['manager', false]);
    const [invitation] = (await caller.get(invitationsOf(merchantId))).body.data;
    assert.deepEqual([invitation.id, invitation.status], [id, 'accepted']);
    const trail = (await auditOf(service, merchantId)).slice(-2);
    assert.deepEqual(trail, [
      {
        action: 'invitation.accepted',
        actor: `user:${person.userId}`,
        object_id: id,
        details: { before: { status: 'pending' }, after: { status: 'accepted' }, user_id: person.userId },
      },
      {
        action: 'member.added',
        actor: `user:${person.userId}`,
        object_id: person.userId,
        details: { after: { role: 'manager' }, invitation_id: id, invited_by: owner.userId },
      },
    ]);
  });

  test('an owner’s invitation makes an owner', async () => {
    const { merchantId, owner } = await newHotel(service);
    const person = await addPerson(service);
    const { token } = await invite(service, merchantId, owner, { email: person.email, role: 'owner' });
    assert.equal((await accept(service, person, { token })).body.role, 'owner');
  });
});

describe('register', () => {
  test('makes an account that is verified and can log in at the hotel, in the language of the mail', async () => {
    const { merchantId, owner } = await newHotel(service);
    const { token, email } = await invite(service, merchantId, owner, { locale: 'es' });
    const answer = await asAnyone(service)
      .post('/v1/invitations/register')
      .send({ token, name: 'Leïla Benali', password: GOOD_PASSWORD });
    assert.equal(answer.status, 201, answer.text);
    const { user_id: userId, merchant_id: hotel } = answer.body;
    assert.equal(hotel, toPublicId('mer', merchantId));
    const person = { userId, email, password: GOOD_PASSWORD, name: 'Leïla Benali' };
    await logIn(service, person);
    const [row] = await service.sql('select name, locale, email_key from users where id = $1', [
      fromPublicId('usr', userId),
    ]);
    assert.deepEqual(row, { name: 'Leïla Benali', locale: 'es', email_key: email });
    assert.deepEqual((await userEvents(service, person)).slice(0, 2), ['user.registered', 'email.verified']);
    const member = (await asMember(service, merchantId, owner).get(`/v1/users/${userId}`)).body;
    assert.equal(member.role, 'staff');
    const actions = (await auditOf(service, merchantId)).map(({ action }) => action);
    assert.deepEqual(actions.slice(-2), ['invitation.accepted', 'member.added']);
  });

  test('takes an unproved account of the address over: whoever registered it before knows a dead password', async () => {
    const { merchantId, owner } = await newHotel(service);
    const squatter = await registerUnverified(service, { password: 'seven herons wade by noon' });
    const sent = await mailsTo(service.config.mail.maildir, squatter.email);
    await asMember(service, merchantId, owner)
      .post(invitationsOf(merchantId))
      .send({ email: squatter.email, role: 'staff' })
      .expect(201);
    const { token } = await newestLink(service, squatter.email, 2);
    const preview = await asAnyone(service).post('/v1/invitations/preview').send({ token });
    assert.equal(preview.body.has_account, false);
    const answer = await asAnyone(service)
      .post('/v1/invitations/register')
      .send({ token, name: 'Leïla Benali', password: GOOD_PASSWORD });
    assert.deepEqual([answer.status, answer.body.user_id], [201, squatter.userId]);
    const login = (password: string) =>
      asAnyone(service).post('/v1/auth/login').send({ email: squatter.email, password });
    assert.equal((await login(squatter.password)).status, 401);
    assert.equal((await login(GOOD_PASSWORD)).status, 200);
    const old = await asAnyone(service)
      .post('/v1/auth/verify-email')
      .send({ token: sent[0]?.token, password: squatter.password });
    assert.equal(old.status, 410);
  });
});

test('two who were invited by different hotels to one address join both', async () => {
  const [one, other] = [await newHotel(service), await newHotel(service)];
  const person = await addPerson(service);
  await setMember(service, one.merchantId, person, 'staff');
  const { token } = await invite(service, other.merchantId, other.owner, { email: person.email });
  assert.equal((await accept(service, person, { token })).status, 200);
  assert.deepEqual(
    [(await membersOf(service, one.merchantId)).length, (await membersOf(service, other.merchantId)).length],
    [5, 5],
  );
});
