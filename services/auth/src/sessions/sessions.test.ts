import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { Client } from 'pg';
import { startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { asAnyone, asPerson, registerVerified } from '../testing-accounts.ts';
import { sessionListSchema } from './list-sessions.ts';
import { eventRowsOf, logIn, uuidOf } from './test-logins.ts';
import type { LoggedIn } from './test-logins.ts';

let service: TestAuth;
let listener: Client;
const announced: string[] = [];
before(async () => {
  service = await startTestAuth();
  listener = new Client({ connectionString: service.database.adminUrl });
  await listener.connect();
  listener.on('notification', ({ payload }) => announced.push(payload ?? ''));
  await listener.query('listen revocations');
});
after(async () => {
  await listener.end();
  await service.close();
});

const waitForAnnounced = async (sessionId: string): Promise<unknown> =>
  await waitFor('the announcement', async () =>
    announced.includes(JSON.stringify({ kind: 'session', sessionId })) ? true : undefined,
  );

const endedReason = async ({ sessionId }: LoggedIn): Promise<unknown> =>
  (await service.sql('select ended_reason from sessions where id = $1', [uuidOf('ses', sessionId)]))[0]?.[
    'ended_reason'
  ];

describe('the list of sessions', () => {
  test('holds the person’s open ones only, newest first, and says which one asks', async () => {
    const person = await registerVerified(service);
    const [first, second, third] = [
      await logIn(service, person),
      await logIn(service, person),
      await logIn(service, person),
    ];
    await logIn(service, await registerVerified(service));
    await asPerson(service, second).post('/v1/auth/logout').expect(204);
    const answer = await asPerson(service, first).get('/v1/auth/sessions');
    assert.equal(answer.status, 200, answer.text);
    const page = sessionListSchema.strict().parse(answer.body);
    assert.deepEqual(
      page.data.map(({ id, current }) => [id, current]),
      [
        [third.sessionId, false],
        [first.sessionId, true],
      ],
    );
    assert.deepEqual([page.has_more, page.next_cursor], [false, null]);
    await service.sql(
      `update sessions set expires_at = created_at + interval '1 microsecond' where id = $1`,
      [uuidOf('ses', third.sessionId)],
    );
    assert.equal((await asPerson(service, first).get('/v1/auth/sessions')).body.data.length, 1);
  });

  test('goes on where a page ended; a cursor of somebody else shows nothing of theirs', async () => {
    const person = await registerVerified(service);
    const sessions = [];
    for (let count = 0; count < 3; count += 1) sessions.push(await logIn(service, person));
    const [first] = sessions;
    assert.ok(first !== undefined);
    const agent = asPerson(service, first);
    const one = await agent.get('/v1/auth/sessions?limit=2');
    const two = await agent.get(`/v1/auth/sessions?limit=2&cursor=${one.body.next_cursor}`);
    const ids = [...one.body.data, ...two.body.data].map(({ id }: { id: string }) => id);
    assert.deepEqual(ids, sessions.map(({ sessionId }) => sessionId).toReversed());
    assert.equal(two.body.has_more, false);
    const stranger = await logIn(service, await registerVerified(service));
    const foreign = await asPerson(service, stranger).get(`/v1/auth/sessions?cursor=${one.body.next_cursor}`);
    assert.ok(foreign.body.data.every(({ id }: { id: string }) => id === stranger.sessionId));
    for (const query of ['limit=0', 'limit=101', 'cursor=x', 'page=1'])
      assert.equal((await agent.get(`/v1/auth/sessions?${query}`)).status, 400, query);
  });
});

describe('ending a session', () => {
  test('takes its refresh token at once, is announced and leaves an event; others go on', async () => {
    const person = await registerVerified(service);
    const [keeps, ends] = [await logIn(service, person), await logIn(service, person)];
    await asPerson(service, keeps).delete(`/v1/auth/sessions/${ends.sessionId}`).expect(204);
    assert.equal(await endedReason(ends), 'revoked');
    await waitForAnnounced(ends.sessionId);
    const event = (await eventRowsOf(service, person.userId)).at(-1);
    assert.deepEqual(
      [event?.['action'], event?.['details']],
      ['session.ended', { session_id: ends.sessionId, reason: 'revoked' }],
    );
    for (const [session, status] of [
      [ends, 401],
      [keeps, 200],
    ] as const)
      await asAnyone(service)
        .post('/v1/auth/refresh')
        .send({ refresh_token: session.refreshToken })
        .expect(status);
  });

  test('404 for somebody else’s, an ended, an unknown and a malformed one; nothing ends', async () => {
    const person = await registerVerified(service);
    const session = await logIn(service, person);
    const foreign = await logIn(service, await registerVerified(service));
    const ended = await logIn(service, person);
    await asPerson(service, ended).post('/v1/auth/logout').expect(204);
    for (const id of [foreign.sessionId, ended.sessionId, toPublicId('ses', newUuid()), 'ses_x', 'x'])
      assert.equal((await asPerson(service, session).delete(`/v1/auth/sessions/${id}`)).status, 404, id);
    assert.equal(await endedReason(foreign), null);
  });
});

describe('logging out', () => {
  test('ends the session that asks and is announced; repeating it changes nothing', async () => {
    const person = await registerVerified(service);
    const [session, other] = [await logIn(service, person), await logIn(service, person)];
    for (let count = 0; count < 2; count += 1)
      await asPerson(service, session).post('/v1/auth/logout').expect(204);
    assert.deepEqual([await endedReason(session), await endedReason(other)], ['logged_out', null]);
    await waitForAnnounced(session.sessionId);
    const events = (await eventRowsOf(service, person.userId)).filter(
      ({ action }) => action === 'session.ended',
    );
    assert.equal(events.length, 1);
  });
});

test('without a person nothing of this answers', async () => {
  const session = await logIn(service, await registerVerified(service));
  const anyone = asAnyone(service);
  await anyone.get('/v1/auth/sessions').expect(401);
  await anyone.delete(`/v1/auth/sessions/${session.sessionId}`).expect(401);
  await anyone.post('/v1/auth/logout').expect(401);
});
