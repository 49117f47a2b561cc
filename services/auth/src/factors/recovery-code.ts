import { createHash, randomBytes } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';

// Crockford's base32: no letter looks like a digit, so that people can type what they wrote down.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
// 28 letters of 5 bits are 140 (ASVS 11.5.1 asks for 128): nobody guesses one, so a fast hash protects it.
const LETTERS = 28;
const GROUP = 4;
const CODES = 10;

/** Ten new codes in place of all that the person had; returned this once, stored hashed. */
export async function replaceRecoveryCodes(tx: EntityManager, userId: string): Promise<string[]> {
  const codes = Array.from({ length: CODES }, newRecoveryCode);
  await tx.execute('delete from recovery_codes where user_id = ?', [userId]);
  const values = codes.map(() => '(?, ?)').join(', ');
  await tx.execute(
    `insert into recovery_codes (user_id, code_hash) values ${values}`,
    codes.flatMap((code) => [userId, hashRecoveryCode(code)]),
  );
  return codes;
}

/** Uses a code up; of two that come at once one gets it. */
export async function takeRecoveryCode(tx: EntityManager, userId: string, code: string): Promise<boolean> {
  const taken = await tx.execute<object[]>(
    `update recovery_codes set used_at = now() where user_id = ? and code_hash = ? and used_at is null
     returning user_id`,
    [userId, hashRecoveryCode(code)],
  );
  return taken.length === 1;
}

function newRecoveryCode(): string {
  // 256 is a multiple of 32: every letter is as likely.
  const letters = Array.from(randomBytes(LETTERS), (byte) => ALPHABET.charAt(byte % ALPHABET.length)).join(
    '',
  );
  return (letters.match(new RegExp(`.{${GROUP}}`, 'g')) ?? []).join('-');
}

/** Capitals, spaces, hyphens and look-alikes do not matter. */
function hashRecoveryCode(code: string): Buffer {
  const plain = code.toLowerCase().replaceAll(/[\s-]/g, '').replaceAll('o', '0').replaceAll(/[il]/g, '1');
  return createHash('sha256').update(plain).digest();
}
