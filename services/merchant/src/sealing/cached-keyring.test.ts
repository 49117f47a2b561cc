import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { afterEach, test } from 'node:test';
import { SealError } from '@centra/service-kit/seal.ts';
import { pauseMs, waitFor } from '@centra/testkit/pause.ts';
import { cacheOpenedKeys } from './cached-keyring.ts';
import type { MasterKeyring } from './master-keyring.ts';

/** A far-away keyring, of which the test says how it answers. */
type FarAway = { keyring: MasterKeyring; asked: number; answer: () => Promise<KeyObject> };

const open: MasterKeyring[] = [];
afterEach(async () => {
  for (const keyring of open.splice(0)) await keyring.close();
});

function farAway(limits: { freshMs: number; keptMs: number; keysMax: number }): FarAway {
  const far: FarAway = {
    asked: 0,
    answer: async () => createSecretKey(randomBytes(32)),
    keyring: cacheOpenedKeys(
      {
        activeKeyId: 'm',
        wrap: async () => ({ masterKeyId: 'm', wrapped: '' }),
        unwrap: () => {
          far.asked += 1;
          return far.answer();
        },
        newest: async () => ({ masterKeyId: 'm', startsWith: '' }),
        check: async () => {},
        close: async () => {},
      },
      limits,
    ),
  };
  open.push(far.keyring);
  return far;
}

const HOUR_MS = 3_600_000;
const of = (merchantId: string, version = 1) => ({ merchantId, version });

test('one opening serves all who ask, also at once; another text, master key, hotel or version is another key', async () => {
  const far = farAway({ freshMs: HOUR_MS, keptMs: HOUR_MS, keysMax: 100 });
  const { unwrap } = far.keyring;
  const keys = await Promise.all(Array.from({ length: 10 }, () => unwrap('text', 'm', of('a'))));
  assert.equal(far.asked, 1);
  assert.equal(new Set(keys).size, 1);
  const others = [
    unwrap('Text', 'm', of('a')),
    unwrap('text', 'n', of('a')),
    unwrap('text', 'm', of('b')),
    unwrap('text', 'm', of('a', 2)),
    unwrap('text","m', 'm', of('a')),
  ];
  assert.equal(new Set([...keys, ...(await Promise.all(others))]).size, 6);
  assert.equal(far.asked, 6);
});

test('a failed opening is not remembered', async () => {
  const far = farAway({ freshMs: HOUR_MS, keptMs: HOUR_MS, keysMax: 100 });
  const { answer } = far;
  far.answer = () => Promise.reject(new Error('away'));
  await assert.rejects(far.keyring.unwrap('text', 'm', of('a')), /away/);
  far.answer = answer;
  await far.keyring.unwrap('text', 'm', of('a'));
});

test('an aged key still serves while it is opened again in the background, and goes on serving while that fails', async () => {
  const far = farAway({ freshMs: 50, keptMs: HOUR_MS, keysMax: 100 });
  const first = await far.keyring.unwrap('text', 'm', of('a'));
  await pauseMs(60);
  far.answer = () => Promise.reject(new Error('away'));
  assert.equal(await far.keyring.unwrap('text', 'm', of('a')), first);
  assert.equal(far.asked, 2);
  assert.equal(await far.keyring.unwrap('text', 'm', of('a')), first, 'and does not ask with every use');
  assert.equal(far.asked, 2);
  const next = createSecretKey(randomBytes(32));
  far.answer = async () => next;
  await waitFor('the key that was opened again', async () =>
    (await far.keyring.unwrap('text', 'm', of('a'))) === next ? true : undefined,
  );
});

test('a key that must not open any more is forgotten as soon as that is known', async () => {
  const far = farAway({ freshMs: 50, keptMs: HOUR_MS, keysMax: 100 });
  await far.keyring.unwrap('text', 'm', of('a'));
  far.answer = () => Promise.reject(new SealError('too old'));
  await waitFor('the refusal', async () =>
    far.keyring.unwrap('text', 'm', of('a')).then(
      () => undefined,
      (error: unknown) => error instanceof SealError || undefined,
    ),
  );
});

test('past its time a key serves no more, whatever the reason', async () => {
  const far = farAway({ freshMs: 20, keptMs: 60, keysMax: 100 });
  await far.keyring.unwrap('text', 'm', of('a'));
  far.answer = () => Promise.reject(new Error('away'));
  await pauseMs(80);
  await assert.rejects(far.keyring.unwrap('text', 'm', of('a')), /away/);
});

test('the number of keys in memory is bounded; those not used for longest leave first', async () => {
  const far = farAway({ freshMs: HOUR_MS, keptMs: HOUR_MS, keysMax: 2 });
  for (const hotel of ['a', 'b', 'a', 'c']) await far.keyring.unwrap('text', 'm', of(hotel));
  assert.equal(far.asked, 3);
  await far.keyring.unwrap('text', 'm', of('a'));
  assert.equal(far.asked, 3);
  await far.keyring.unwrap('text', 'm', of('b'));
  assert.equal(far.asked, 4);
});
