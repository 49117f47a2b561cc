import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { startTestAuth } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { asAnyone } from '../testing-accounts.ts';
import { tokensSchema } from './issue-tokens.ts';
import {
  challengeOf,
  codeOf,
  eventRowsOf,
  freshCode,
  join,
  registerWithFactor,
  uuidOf,
} from './test-logins.ts';
import type { WithFactor } from './test-logins.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

type Answer = { status: number; body: Record<string, unknown>; text: string };

const tryCode = async (challenge: string, code: string): Promise<Answer> =>
  await asAnyone(service).post('/v1/auth/login/factor').send({ challenge, code });

const lastEvent = async ({ userId }: WithFactor): Promise<unknown[]> => {
  const event = (await eventRowsOf(service, userId)).at(-1);
  const details = event?.['details'];
  return [
    event?.['action'],
    typeof details === 'object' && details !== null && 'second_factor' in details && details.second_factor,
  ];
};

test('the code of the app opens a session that counts as proved', async () => {
  const person = await registerWithFactor(service);
  const answer = await tryCode(await challengeOf(service, person), await freshCode(service, person));
  assert.equal(answer.status, 200, answer.text);
  const tokens = tokensSchema.strict().parse(answer.body);
  assert.deepEqual([tokens.second_factor, tokens.user.id], [true, person.userId]);
  const rows = await service.sql('select factor_at is not null as proved from sessions where id = $1', [
    uuidOf('ses', tokens.session_id),
  ]);
  assert.deepEqual(rows, [{ proved: true }]);
  assert.deepEqual(await lastEvent(person), ['login.succeeded', 'totp']);
});

test('a code of the step before or after is taken too, one further off is not', async () => {
  const person = await registerWithFactor(service);
  const challenge = await challengeOf(service, person);
  for (const [aroundS, status] of [
    [-90, 401],
    [-25, 200],
    [25, 200],
    [90, 401],
  ] as const) {
    await freshCode(service, person);
    assert.equal((await tryCode(challenge, codeOf(person.secret, aroundS))).status, status, String(aroundS));
  }
});

test('a code is good once, and so is every code before it', async () => {
  const person = await registerWithFactor(service);
  const challenge = await challengeOf(service, person);
  await freshCode(service, person);
  const [earlier, later] = [codeOf(person.secret), codeOf(person.secret, 25)];
  assert.equal((await tryCode(challenge, later)).status, 200);
  for (const code of [later, earlier]) {
    const answer = await tryCode(challenge, code);
    assert.deepEqual([answer.status, answer.body['code']], [401, 'second_factor_wrong']);
  }
});

test('of five that send one code at once exactly one gets in', async () => {
  const person = await registerWithFactor(service);
  const challenges = await Promise.all(Array.from({ length: 4 }, () => challengeOf(service, person)));
  const code = await freshCode(service, person);
  const answers = await Promise.all(challenges.map((challenge) => tryCode(challenge, code)));
  assert.deepEqual(
    answers.map(({ status }) => status).toSorted((one, other) => one - other),
    [200, 401, 401, 401],
  );
});

describe('a recovery code', () => {
  test('opens a session in place of the app, however it is typed, and is good once', async () => {
    const person = await registerWithFactor(service);
    const [first = '', second = ''] = person.recoveryCodes;
    const challenge = await challengeOf(service, person);
    assert.equal((await tryCode(challenge, first)).status, 200);
    assert.deepEqual(await lastEvent(person), ['login.succeeded', 'recovery_code']);
    assert.equal((await tryCode(challenge, first)).status, 401);
    const typed = ` ${second.toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O').replaceAll('1', 'l')} `;
    assert.equal((await tryCode(challenge, typed)).status, 200);
  });

  test('sent four times at once lets exactly one in', async () => {
    const person = await registerWithFactor(service);
    const challenge = await challengeOf(service, person);
    const [code = ''] = person.recoveryCodes;
    const answers = await Promise.all(Array.from({ length: 4 }, () => tryCode(challenge, code)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ status }) => status === 401).length, 3);
  });

  test('of somebody else opens nothing', async () => {
    const person = await registerWithFactor(service);
    const other = await registerWithFactor(service);
    const answer = await tryCode(await challengeOf(service, person), other.recoveryCodes[0] ?? '');
    assert.equal(answer.status, 401);
  });
});

describe('401 unauthenticated', () => {
  test('for what is no challenge, and after the password was changed', async () => {
    const person = await registerWithFactor(service);
    const challenge = await challengeOf(service, person);
    const code = await freshCode(service, person);
    for (const wrong of [
      'x',
      person.session.accessToken,
      `${challenge.slice(0, -2)}xx`,
      challenge.split('.').slice(0, 2).join('.'),
    ]) {
      const answer = await tryCode(wrong, code);
      assert.deepEqual([answer.status, answer.body['code']], [401, 'unauthenticated']);
    }
    await service.sql(`update users set password_changed_at = now() + interval '2 seconds' where id = $1`, [
      uuidOf('usr', person.userId),
    ]);
    assert.equal((await tryCode(challenge, code)).body['code'], 'unauthenticated');
  });
});

describe('400', () => {
  test('a field is missing, unknown or not text', async () => {
    for (const body of [
      {},
      { challenge: 'x' },
      { challenge: 'x', code: 123_456 },
      { challenge: 'x', code: '1', a: 1 },
    ])
      assert.equal((await asAnyone(service).post('/v1/auth/login/factor').send(body)).status, 400);
  });
});

describe('the hotel that was asked for with the password', () => {
  test('is entered with the code, also one that demands a second factor', async () => {
    const person = await registerWithFactor(service);
    const hotel = newUuid();
    await join(service, person.userId, hotel);
    await join(service, person.userId, newUuid());
    await service.sql('insert into merchant_access (merchant_id, second_factor_required) values ($1, true)', [
      hotel,
    ]);
    const challenge = await challengeOf(service, person, {
      merchant_id: toPublicId('mer', hotel),
      mode: 'live',
    });
    const answer = await tryCode(challenge, await freshCode(service, person));
    assert.deepEqual(
      [answer.status, answer.body['merchant_id'], answer.body['mode']],
      [200, toPublicId('mer', hotel), 'live'],
    );
  });

  test('refused at its door, the code stays good', async () => {
    const person = await registerWithFactor(service);
    const hotel = newUuid();
    await join(service, person.userId, hotel, { suspended: true });
    const challenge = await challengeOf(service, person, { merchant_id: toPublicId('mer', hotel) });
    const code = await freshCode(service, person);
    const refused = await tryCode(challenge, code);
    assert.deepEqual([refused.status, refused.body['code']], [403, 'access_suspended']);
    assert.equal((await tryCode(await challengeOf(service, person), code)).status, 200);
  });
});
