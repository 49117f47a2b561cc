import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newUuid } from '@centra/service-kit/ids.ts';
import type { Response } from 'supertest';
import { asCaller, startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import {
  allMailsTo,
  asAnyone,
  newEmail,
  passwordWork,
  registerUnverified,
  registerVerified,
} from '../testing-accounts.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const resend = async (body: object): Promise<Response> =>
  await asAnyone(service).post('/v1/auth/verify-email/resend').send(body);
const verify = async (token: string | undefined, password: string): Promise<number> =>
  (await asAnyone(service).post('/v1/auth/verify-email').send({ token, password })).status;

test('202: the link comes again, and the one before is worthless', async () => {
  const { email, password } = await registerUnverified(service, { locale: 'ar' });
  const [first] = await allMailsTo(service, email);
  const answer = await resend({ email: email.toUpperCase() });
  assert.deepEqual([answer.status, answer.body], [202, { status: 'verification_sent' }]);
  const mails = await allMailsTo(service, email);
  assert.equal(mails.length, 2);
  assert.equal(mails[1]?.subject, 'تأكيد عنوان بريدك الإلكتروني');
  assert.equal(await verify(first?.token, password), 410);
  assert.equal(await verify(mails[1]?.token, password), 200);
});

test('202 all the same for a proved address and one that has no account, and nothing is sent', async () => {
  const known = await registerVerified(service);
  const stranger = newEmail();
  const earlier = await passwordWork(service.auth);
  const answers = [await resend({ email: known.email }), await resend({ email: stranger })];
  assert.deepEqual(
    answers.map(({ status, text }) => [status, text]),
    Array.from({ length: 2 }, () => [202, '{"status":"verification_sent"}']),
  );
  assert.equal((await allMailsTo(service, known.email)).length, 1);
  assert.equal((await allMailsTo(service, stranger)).length, 0);
  assert.equal(await passwordWork(service.auth), earlier);
});

test('whether there is an account is looked up after the answer, by a job: the request itself writes that job alone', async () => {
  const own = await startTestAuth();
  try {
    const known = await registerUnverified(own);
    await allMailsTo(own, known.email);
    // Whoever looks at accounts now waits for us, and the answer does not.
    await own.sql('begin');
    await own.sql('lock table users, email_tokens in access exclusive mode');
    for (const email of [known.email, newEmail()]) {
      const answer = await asAnyone(own).post('/v1/auth/verify-email/resend').send({ email });
      assert.equal(answer.status, 202);
    }
    await own.sql('commit');
    assert.equal((await allMailsTo(own, known.email)).length, 2);
  } finally {
    await own.close();
  }
});

test('400: no address, an unknown field', async () => {
  for (const body of [{}, { email: 'nobody' }, { email: newEmail(), locale: 'en' }])
    assert.equal((await resend(body)).status, 400);
});

test('401: a hotel’s key does not open it', async () => {
  const caller = asCaller(service, { merchantId: newUuid() });
  assert.equal((await caller.post('/v1/auth/verify-email/resend').send({ email: newEmail() })).status, 401);
});
