import { cardTypeOf, luhnValid } from './cards/card-rules.ts';

/** Digit runs of a card number's length that are not part of a longer hexadecimal token. */
const DIGITS = /(?<![0-9a-f])\d{13,19}(?![0-9a-f])/gi;

/** Masks card numbers in text that callers control (paths, idempotency keys), before it is journalled or logged. */
export function withoutCardNumbers(text: string): string {
  return text.replace(DIGITS, (digits) =>
    cardTypeOf(digits) !== undefined && luhnValid(digits)
      ? digits.slice(-4).padStart(digits.length, '*')
      : digits,
  );
}
