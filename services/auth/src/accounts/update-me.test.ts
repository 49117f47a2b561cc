import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import { asCaller, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { asAnyone, asPerson, logIn, registerVerified, userEvents } from '../testing-accounts.ts';
import { meSchema } from './get-me.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

test('200: name and language change, each alone or both, and each change is written down once', async () => {
  const registered = await registerVerified(service);
  const me = asPerson(service, await logIn(service, registered));
  const renamed = await me.post('/v1/auth/me').send({ name: 'Amina El Haddad' });
  assert.equal(renamed.status, 200);
  meSchema.strict().parse(renamed.body);
  assert.deepEqual([renamed.body.name, renamed.body.locale], ['Amina El Haddad', 'en']);
  const french = await me.post('/v1/auth/me').send({ name: 'Amina El Haddad', locale: 'fr' });
  assert.deepEqual([french.body.name, french.body.locale], ['Amina El Haddad', 'fr']);
  assert.deepEqual((await me.get('/v1/auth/me')).body, french.body);
  assert.equal((await me.post('/v1/auth/me').send({ locale: 'fr' })).status, 200);
  const events = (await userEvents(service, registered)).filter((action) => action === 'profile.changed');
  assert.equal(events.length, 2);
  const [last] = await service.sql(
    `select details from user_events where action = 'profile.changed' order by at desc limit 1`,
  );
  assert.deepEqual(last, { details: { fields: ['locale'] } });
});

test('400: nothing to change, what is not the person’s to change, and bad values', async () => {
  const registered = await registerVerified(service);
  const me = asPerson(service, await logIn(service, registered));
  const earlier = (await me.get('/v1/auth/me')).body;
  const bodies = [
    {},
    { name: '' },
    { name: 'a'.repeat(101) },
    { name: 'Amina\nHaddad' },
    { name: '\u2067Amina' },
    { name: null },
    { locale: 'de' },
    { email: 'other@riad-atlas.example' },
    { id: registered.userId },
    { second_factor: true },
    { memberships: [] },
  ];
  for (const body of bodies)
    assert.equal((await me.post('/v1/auth/me').send(body)).status, 400, JSON.stringify(body));
  assert.deepEqual((await me.get('/v1/auth/me')).body, earlier);
});

test('401: an ended session changes nothing; a hotel’s key and nobody neither', async () => {
  const registered = await registerVerified(service);
  const own = await logIn(service, registered);
  await asPerson(service, own).post('/v1/auth/logout').expect(204);
  const body = { name: 'Somebody Else' };
  assert.equal((await asPerson(service, own).post('/v1/auth/me').send(body)).status, 401);
  const caller = asCaller(service, { merchantId: newUuid() });
  assert.equal((await caller.post('/v1/auth/me').send(body)).status, 401);
  assert.equal((await asAnyone(service).post('/v1/auth/me').send(body)).status, 401);
  const rows = await service.sql('select name from users where email = $1', [registered.email]);
  assert.deepEqual(rows, [{ name: 'Amina Haddad' }]);
});

test('422: a card number is no name', async () => {
  const me = asPerson(service, await logIn(service, await registerVerified(service)));
  assert.equal((await me.post('/v1/auth/me').send({ name: '4242424242424242' })).status, 422);
});
