import { AppError } from '@centra/service-kit/errors.ts';
import { isBreached } from './breached-passwords.ts';
import { PASSWORD_BYTES_MAX, oneSpelling } from './password-hasher.ts';
import { isPattern } from './password-patterns.ts';

/** Whose password it is to be. */
export type PasswordOwner = { email: string; name: string };

// PCI DSS 8.3.6.
const LETTERS_MIN = 12;
const PRODUCT = 'Centra Payments';

/** Throws `validation_failed` naming the field, with the reason in words for its owner. */
export async function requireGoodPassword(
  field: string,
  password: string,
  owner: PasswordOwner,
): Promise<void> {
  const reason = await refusalOfPassword(password, owner);
  if (reason !== undefined) throw new AppError('validation_failed', { errors: [{ field, reason }] });
}

/** Why a password is not taken; undefined for a good one. Which kinds of characters it has does not matter (NIST SP 800-63B). */
export async function refusalOfPassword(password: string, owner: PasswordOwner): Promise<string | undefined> {
  const text = oneSpelling(password);
  if (/\p{Cc}/u.test(text)) return 'must not contain control characters';
  if (Array.from(text).length < LETTERS_MIN) return `must have at least ${LETTERS_MIN} characters`;
  // What bcrypt would cut off would protect nothing.
  if (Buffer.byteLength(text) > PASSWORD_BYTES_MAX)
    return `must have at most ${PASSWORD_BYTES_MAX} characters; letters beyond a to z count two to four times`;
  const lower = text.toLowerCase();
  if (isPattern(lower)) return 'must not be a repetition or a row of letters or digits';
  if (isMadeOf(lower, wordsOf(owner)))
    return 'must not be your e-mail address, your name or the name of this product';
  if (await isBreached(lower))
    return 'is too common: it, or something very like it, is on lists of stolen passwords';
  return undefined;
}

/** What somebody who knows the person would try first. */
function wordsOf({ email, name }: PasswordOwner): string[] {
  const texts = [email, name, PRODUCT].map((text) => oneSpelling(text).toLowerCase());
  const words = texts.flatMap((text) => [text, ...text.split(WORD_BREAK)]).map(lettersOf);
  // Shorter ones are in many good passwords; longer ones first, so that what they hold is not left over.
  return [...new Set(words)].filter(({ length }) => length >= 3).toSorted((a, b) => b.length - a.length);
}

const WORD_BREAK = /[^\p{L}\p{N}]+/u;
// Fewer letters beside the known words are a decoration.
const OWN_LETTERS_MIN = 4;

/** Whether nothing but a few letters is left when the words, digits and punctuation are taken away. */
function isMadeOf(lower: string, words: readonly string[]): boolean {
  const letters = lettersOf(lower);
  let rest = letters;
  for (const word of words) rest = rest.replaceAll(word, ' ');
  const own = Array.from(rest.replaceAll(/[\d\s]/g, '')).length;
  return rest !== letters && own < OWN_LETTERS_MIN;
}

function lettersOf(text: string): string {
  return text.replaceAll(/[^\p{L}\p{M}\p{N}]/gu, '');
}
