import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import { asCaller, startTestAuth } from './test-service.ts';
import type { TestAuth } from './test-service.ts';
import { asAnyone, asPerson, logIn, registerVerified } from './testing-accounts.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

test('a parameter that a route does not have is 400 and not ignored, whoever asks', async () => {
  const person = asPerson(service, await logIn(service, await registerVerified(service)));
  const caller = asCaller(service, { merchantId: newUuid() });
  const answers = await Promise.all([
    asAnyone(service).get('/.well-known/jwks.json?kid=x'),
    asAnyone(service).post('/v1/auth/login?merchant_id=x').send({ email: 'a@b.example', password: 'x' }),
    person.get('/v1/auth/me?merchant_id=x'),
    person.post('/v1/auth/logout?all=true'),
    person.get('/v1/auth/sessions?user=x'),
    caller.get('/v1/api-keys?merchant_id=x'),
    caller.delete('/v1/api-keys/key_01jd0000000000000000000000?mode=live'),
  ]);
  assert.deepEqual(
    answers.map(({ status, body }) => `${status} ${body.code}`),
    answers.map(() => '400 validation_failed'),
  );
  // Nobody was logged out by it.
  assert.equal((await person.get('/v1/auth/me')).status, 200);
});
