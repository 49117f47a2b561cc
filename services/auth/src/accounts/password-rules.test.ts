import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dictionary } from '@zxcvbn-ts/language-common';
import { array, assert as check, asyncProperty, constantFrom, pre, string, stringMatching } from 'fast-check';
import { refusalOfPassword } from './password-rules.ts';

const OWNER = { email: 'amina.haddad@riad-atlas.example', name: 'Amina Haddad' };

const SHORT = /at least 12/;
const LONG = /at most 72/;
const CONTROL = /control/;
const PATTERN = /repetition|row/;
const PERSONAL = /name/;
const COMMON = /too common/;

const REFUSED: [password: string, reason: RegExp][] = [
  ['', SHORT],
  ['kT7$wqZ9!xY', SHORT],
  // Eleven characters, more bytes.
  ['éèàùçéèàùç√', SHORT],
  // An e and its accent are one character, however the keyboard sends them.
  ['e\u0301'.repeat(11), SHORT],
  ['k7'.repeat(2) + 'otter dam '.repeat(7), LONG],
  // 37 letters of two bytes.
  ['ж'.repeat(18) + 'щ'.repeat(19), LONG],
  ['otters\0paddle', CONTROL],
  ['otters\npaddle at dawn', CONTROL],
  ['aaaaaaaaaaaa', PATTERN],
  ['ababababababab', PATTERN],
  ['k7Vq2mk7Vq2m', PATTERN],
  ['k7Vq2mzTk7Vq2mzTk7Vq', PATTERN],
  ['123456789012', PATTERN],
  ['210987654321', PATTERN],
  ['abcdefghijkl', PATTERN],
  ['qwertyuiopas', PATTERN],
  ['Qwerty123456', PATTERN],
  ['azertyuiop123', PATTERN],
  ['1qaz2wsx3edc', PATTERN],
  ['1234abcd5678', PATTERN],
  ['111222333444', PATTERN],
  ['amina.haddad@riad-atlas.example', PERSONAL],
  ['AminaHaddad2026', PERSONAL],
  ['haddad-amina-1984!', PERSONAL],
  ['riad-atlas-2026', PERSONAL],
  ['CentraPayments', PERSONAL],
  ['centra payments 1', PERSONAL],
  ['password1234', COMMON],
  ['P@ssw0rd!2026', COMMON],
  ['Administrator', COMMON],
  ['@dm1n1str@t0r!', COMMON],
  ['justinbieber99', COMMON],
  ['123supernatural!', COMMON],
  ['Password2026!', COMMON],
];

for (const [password, reason] of REFUSED)
  test(`${JSON.stringify(password)} is refused`, async () => {
    assert.match((await refusalOfPassword(password, OWNER)) ?? 'taken', reason);
  });

const TAKEN = [
  'five otters paddle at dawn',
  'correct horse battery staple',
  'kT7$wqZ9!xYm',
  'password manager of my aunt',
  // Nothing but digits is no reason, nor is only one kind of letter.
  '408215937264',
  'vlqmzrtkwpxh',
  'قهوة الصباح عند البحر',
  'été à Marrakech, près du puits',
  '🦦🐘🦒🐫🦩🦔🐿🦥🦦🐘🦒🐆'.slice(0, 24),
  'a'.repeat(1) + 'k7 Vq2mzT-otters-paddle-at-dawn-'.repeat(2).slice(0, 71),
];

for (const password of TAKEN)
  test(`${JSON.stringify(password)} is taken`, async () => {
    assert.equal(await refusalOfPassword(password, OWNER), undefined);
  });

test('a listed password stays refused with digits and punctuation around it, and in capitals', async () => {
  const listed = dictionary['passwords-common'].filter((word) => /^[a-z]{8,12}$/.test(word));
  assert.ok(listed.length > 1_000);
  const decoration = stringMatching(/^[0-9!.,_-]{0,4}$/);
  await check(
    asyncProperty(constantFrom(...listed), decoration, decoration, async (word, before, after) => {
      for (const password of [`${before}${word}${after}`, `${before}${word.toUpperCase()}${after}`])
        assert.notEqual(await refusalOfPassword(password, OWNER), undefined, password);
    }),
  );
});

test('random letters and digits are taken', async () => {
  const random = array(constantFrom(...Array.from('abcdefghijkmnopqrstuvwxyzACDEFGHJKLMNPQRSTUVWXYZ')), {
    minLength: 20,
    maxLength: 72,
    // Shrinking and small cases lean to repetition, which is refused for a reason.
    size: 'max',
  });
  await check(
    asyncProperty(random, async (letters) => {
      pre(new Set(letters).size >= 12);
      assert.equal(await refusalOfPassword(letters.join(''), OWNER), undefined);
    }),
  );
});

test('every text is judged, whatever it holds, and none that bcrypt would cut is taken', async () => {
  await check(
    asyncProperty(string({ unit: 'grapheme', maxLength: 200 }), async (text) => {
      const refusal = await refusalOfPassword(text, OWNER);
      if (refusal !== undefined) return;
      assert.ok(Buffer.byteLength(text.normalize('NFKC')) <= 72);
      assert.ok(Array.from(text.normalize('NFKC')).length >= 12);
    }),
  );
});
