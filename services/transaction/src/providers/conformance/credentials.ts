import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Provider } from '../provider.ts';
import type { Subject } from './subject.ts';

/** What is said of a hotel's own keys. */
export function credentials(subject: Subject): void {
  test('credentials are called valid, wrong, insufficient, of the other mode or unreachable as they are', async () => {
    const given = await subject.credentials();
    const valid = await check(subject.provider(), 'test', given.valid);
    assert.equal(valid.result, 'ok');
    assert.notEqual(valid.accountName, '');
    const { mode, credentials: other } = given.ofOtherMode;
    assert.equal((await check(subject.provider(), mode, other)).result, 'wrong_mode');
    if (given.wrong) assert.equal((await check(subject.provider(), 'test', given.wrong)).result, 'rejected');
    for (const lacking of given.insufficient ?? [])
      assert.equal(
        (await check(subject.provider(), 'test', lacking)).result,
        'insufficient',
        JSON.stringify(Object.keys(lacking)),
      );
    if (subject.unreachable)
      assert.equal((await check(subject.unreachable(), 'test', given.valid)).result, 'unreachable');
  });

  test('what is said about credentials never repeats them', async () => {
    const given = await subject.credentials();
    for (const some of [given.valid, given.wrong ?? {}, ...(given.insufficient ?? [])]) {
      const { message, accountName } = await check(subject.provider(), 'test', some);
      for (const secret of Object.values(some)) assert.ok(!`${message}${accountName}`.includes(secret));
    }
  });
}

async function check(
  provider: Provider,
  mode: 'test' | 'live',
  given: Record<string, string>,
): ReturnType<Provider['checkCredentials']> {
  return await provider.checkCredentials(mode, new Map(Object.entries(given)));
}
