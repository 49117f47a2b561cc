import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import type { Row, TestAuth } from '../test-service.ts';
import { GOOD_PASSWORD, asAnyone, newEmail } from '../testing-accounts.ts';
import { addPerson, asMember, membersOf, newHotel } from '../testing-members.ts';
import { accept, invitationsOf, invite, startInviting } from './test-invitations.ts';

let service: TestAuth;
let close: () => Promise<void>;
before(async () => {
  ({ service, close } = await startInviting());
});
after(() => close());

/** A hotel, a person with an account, and the link of their invitation to its staff. */
async function invited() {
  const hotel = await newHotel(service);
  const person = await addPerson(service);
  const { id, token } = await invite(service, hotel.merchantId, hotel.owner, { email: person.email });
  return { hotel, person, id, token };
}

describe('races', () => {
  test('of many who accept with one link at once exactly one does, and one member is added', async () => {
    const { hotel, person, token } = await invited();
    const answers = await Promise.all(Array.from({ length: 6 }, () => accept(service, person, { token })));
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    assert.deepEqual(statuses, [200, 410, 410, 410, 410, 410]);
    assert.equal((await membersOf(service, hotel.merchantId)).length, 5);
    const added = await service.sql(
      `select from audit_events where merchant_id = $1 and action = 'member.added' and object_id = $2`,
      [hotel.merchantId, person.userId],
    );
    assert.equal(added.length, 1);
  });

  test('of many who register with one link at once exactly one does, and one account is made', async () => {
    const hotel = await newHotel(service);
    const { token, email } = await invite(service, hotel.merchantId, hotel.owner);
    const answers = await Promise.all(
      Array.from({ length: 4 }, () =>
        asAnyone(service)
          .post('/v1/invitations/register')
          .send({ token, name: 'Leïla Benali', password: GOOD_PASSWORD }),
      ),
    );
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 410, 410, 410],
    );
    assert.equal((await service.sql('select from users where email_key = $1', [email])).length, 1);
    assert.equal((await membersOf(service, hotel.merchantId)).length, 5);
  });

  test('accepted or revoked at once, one of the two happens', async () => {
    const { hotel, person, id, token } = await invited();
    const [accepted, revoked] = await Promise.all([
      accept(service, person, { token }),
      asMember(service, hotel.merchantId, hotel.owner).delete(`${invitationsOf(hotel.merchantId)}/${id}`),
    ]);
    assert.ok(
      (accepted.status === 200 && revoked.status === 409) ||
        (accepted.status === 410 && revoked.status === 204),
      `${accepted.status} ${revoked.status}`,
    );
    const members = await membersOf(service, hotel.merchantId);
    assert.equal(members.length, accepted.status === 200 ? 5 : 4);
  });

  test('of two who invite one address at once one open invitation is left', async () => {
    const hotel = await newHotel(service);
    const email = newEmail();
    const answers = await Promise.all(
      [hotel.owner, hotel.admin].map((person) =>
        asMember(service, hotel.merchantId, person)
          .post(invitationsOf(hotel.merchantId))
          .send({ email, role: 'staff' }),
      ),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [201, 201],
    );
    const { body } = await asMember(service, hotel.merchantId, hotel.owner).get(
      invitationsOf(hotel.merchantId),
    );
    const statuses = body.data.map(({ status }: { status: string }) => status);
    assert.deepEqual(statuses.toSorted(), ['pending', 'revoked']);
  });
});

test('invitations are forgotten half a year after they ended, and counted mails after a day', async () => {
  const { hotel, id } = await invited();
  const old = await invite(service, hotel.merchantId, hotel.owner);
  await service.sql(
    `update invitations set created_at = created_at - interval '188 days', expires_at = expires_at - interval '188 days'
     where id = $1`,
    [fromPublicId('inv', old.id)],
  );
  await service.sql(
    `insert into invitation_mails (address_hash, asked_at) values (sha256('old'), now() - interval '25 hours')`,
  );
  // Forgetting begins with a start.
  const replica = await service.startReplica();
  const left = await waitForRows();
  await replica.close();
  assert.deepEqual(left, { mails: 0, invitations: [fromPublicId('inv', id)] });

  async function waitForRows(): Promise<Row> {
    return await waitFor('old rows to go', async () => {
      const rows = await service.sql('select id from invitations where merchant_id = $1', [hotel.merchantId]);
      const mails = await service.sql(
        `select from invitation_mails where asked_at < now() - interval '1 day'`,
      );
      return rows.length < 2 && mails.length === 0
        ? { mails: mails.length, invitations: rows.map((row) => row['id']) }
        : undefined;
    });
  }
});
