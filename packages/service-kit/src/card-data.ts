import { AppError } from './errors.ts';

// 13 to 19 digits (ISO/IEC 7812) that begin like a payment card (2 to 6), possibly grouped by single spaces, dots or
// dashes, and not part of a longer word: vault tokens and ids mix letters in and do not match.
const CANDIDATE = /(?<![0-9A-Za-z])[2-6](?:[ .\-\u00a0]?\d){12,18}(?![0-9A-Za-z])/g;

/** Whether a text contains what looks like a card number: right length and start, and a correct Luhn digit. */
export function containsCardNumber(text: string): boolean {
  if (text.length < 13) return false;
  for (const [candidate] of text.normalize('NFKC').matchAll(CANDIDATE))
    if (passesLuhn(candidate.replaceAll(/\D/g, ''))) return true;
  return false;
}

/** Replaces what looks like a card number, for text that is written to a log. */
export function maskCardNumbers(text: string): string {
  return text.replaceAll(CANDIDATE, (candidate) =>
    passesLuhn(candidate.replaceAll(/\D/g, '')) ? '[card number]' : candidate,
  );
}

/** The check digit of ISO/IEC 7812-1 annex B. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return digits.length > 0 && sum % 10 === 0;
}

// Field names that only ever hold card data. Their presence is refused whatever they hold.
const CARD_FIELDS = /^(card_?number|pan|cvv2?|cvc2?|service_?code|security_?code)$/i;

/** Throws `card_data_not_allowed` (422), naming the field but never the value, when any text or key holds card data. */
export function refuseCardData(value: unknown, path = ''): void {
  if (typeof value === 'string') {
    if (containsCardNumber(value)) throw refusal(path === '' ? 'body' : path);
  } else if (typeof value === 'number') {
    if (value >= 1e12 && containsCardNumber(String(value))) throw refusal(path === '' ? 'body' : path);
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseCardData(item, `${path}[${index}]`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const itemPath = path === '' ? key : `${path}.${key}`;
      if (containsCardNumber(key)) throw refusal(path === '' ? 'body' : path);
      if (CARD_FIELDS.test(key)) throw refusal(itemPath);
      refuseCardData(item, itemPath);
    }
  }
}

function refusal(field: string): AppError {
  return new AppError('card_data_not_allowed', {
    errors: [{ field, reason: 'looks like card data, which only the card vault may receive' }],
  });
}
