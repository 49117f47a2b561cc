/*
 * What makes card details acceptable. The capture form runs these same functions in the browser
 * (see capture-form-page.ts), so they are plain functions that use nothing but CARD_TYPES and each other.
 */

/** The name guests know, number prefixes as inclusive ranges, lengths and CVV length per type, after the schemes' published BIN ranges. */
export const CARD_TYPES = [
  {
    type: 'amex',
    name: 'American Express',
    prefixes: [
      [34, 34],
      [37, 37],
    ],
    lengths: [15],
    cvvLength: 4,
  },
  {
    type: 'diners',
    name: 'Diners Club',
    prefixes: [
      [300, 305],
      [36, 36],
      [38, 39],
    ],
    lengths: [14, 16, 19],
    cvvLength: 3,
  },
  { type: 'jcb', name: 'JCB', prefixes: [[3528, 3589]], lengths: [16, 17, 18, 19], cvvLength: 3 },
  { type: 'visa', name: 'Visa', prefixes: [[4, 4]], lengths: [13, 16, 19], cvvLength: 3 },
  {
    type: 'mastercard',
    name: 'Mastercard',
    prefixes: [
      [51, 55],
      [2221, 2720],
    ],
    lengths: [16],
    cvvLength: 3,
  },
  {
    type: 'discover',
    name: 'Discover',
    prefixes: [
      [6011, 6011],
      [644, 649],
      [65, 65],
    ],
    lengths: [16, 17, 18, 19],
    cvvLength: 3,
  },
  {
    type: 'unionpay',
    name: 'UnionPay',
    prefixes: [
      [62, 62],
      [81, 81],
    ],
    lengths: [16, 17, 18, 19],
    cvvLength: 3,
  },
  {
    type: 'maestro',
    name: 'Maestro',
    prefixes: [
      [50, 50],
      [56, 58],
      [6304, 6304],
      [6759, 6759],
      [6761, 6763],
    ],
    lengths: [12, 13, 14, 15, 16, 17, 18, 19],
    cvvLength: 3,
  },
] as const;

export type CardType = (typeof CARD_TYPES)[number]['type'];

export type CardDetails = {
  card_number: string;
  cardholder_name: string;
  expiration_month: string;
  expiration_year: string;
  service_code: string;
};

export type CardErrors = Partial<Record<keyof CardDetails | 'card_type', string[]>>;

export type CardRules = {
  nowMs: number;
  /** Accepted types; all when absent. */
  accepted?: readonly string[];
  serviceCodeRequired: boolean;
};

/** The scheme a number belongs to by its first digits, also while it is being typed. */
export function cardTypeOf(digits: string): (typeof CARD_TYPES)[number] | undefined {
  return CARD_TYPES.find((known) =>
    known.prefixes.some(([from, to]) => {
      const head = digits.slice(0, String(from).length);
      return head.length === String(from).length && Number(head) >= from && Number(head) <= to;
    }),
  );
}

/** The check digit of ISO/IEC 7812-1, annex B. */
export function luhnValid(digits: string): boolean {
  let sum = 0;
  for (let fromRight = 0; fromRight < digits.length; fromRight += 1) {
    const digit = Number(digits[digits.length - 1 - fromRight]);
    const weighed = fromRight % 2 === 1 ? digit * 2 : digit;
    sum += weighed > 9 ? weighed - 9 : weighed;
  }
  return digits.length > 0 && sum % 10 === 0;
}

/** Every objection to the details, by field; none means the card may be stored. */
export function cardErrors(card: CardDetails, rules: CardRules): CardErrors {
  const errors: CardErrors = {};
  const type = cardTypeOf(card.card_number);
  const number = numberError(card.card_number, rules);
  if (number !== undefined) errors.card_number = [number];
  const holder = holderError(card.cardholder_name);
  if (holder !== undefined) errors.cardholder_name = [holder];
  const expiry = expiryError(card.expiration_month, card.expiration_year, rules.nowMs);
  if (expiry !== undefined) errors[expiry.field] = [expiry.words];
  if (card.service_code === '') {
    if (rules.serviceCodeRequired) errors.service_code = ["can't be blank"];
  } else if (!/^\d+$/.test(card.service_code) || card.service_code.length !== (type?.cvvLength ?? 3)) {
    errors.service_code = ['is invalid'];
  }
  return errors;
}

export function numberError(digits: string, rules: CardRules): string | undefined {
  if (digits === '') return "can't be blank";
  const known = /^\d{12,19}$/.test(digits) ? cardTypeOf(digits) : undefined;
  if (known === undefined || !known.lengths.some((length) => length === digits.length)) return 'is invalid';
  if (!luhnValid(digits)) return 'is invalid';
  if (rules.accepted !== undefined && !rules.accepted.includes(known.type)) return 'is not accepted';
  return undefined;
}

export function holderError(name: string): string | undefined {
  if (name.trim() === '') return "can't be blank";
  // 255 is far above the 26 characters a magnetic stripe holds; control characters are never part of a name.
  return name.length > 255 || /\p{Cc}/u.test(name) ? 'is invalid' : undefined;
}

export function expiryError(
  month: string,
  year: string,
  nowMs: number,
): { field: 'expiration_month' | 'expiration_year'; words: string } | undefined {
  if (month === '') return { field: 'expiration_month', words: "can't be blank" };
  if (!/^(0?[1-9]|1[0-2])$/.test(month)) return { field: 'expiration_month', words: 'is invalid' };
  if (year === '') return { field: 'expiration_year', words: "can't be blank" };
  if (!/^20\d\d$/.test(year)) return { field: 'expiration_year', words: 'is invalid' };
  // A card is good until the last day of its month, and the last time zone to leave that month is UTC-12.
  const endsMs = Date.UTC(Number(year), Number(month), 1) + 12 * 3_600_000;
  return endsMs <= nowMs ? { field: 'expiration_year', words: 'has expired' } : undefined;
}
