/** Card networks this simulator can tell apart by the number's first digits. */
export type Brand = 'amex' | 'diners' | 'discover' | 'jcb' | 'mastercard' | 'unionpay' | 'unknown' | 'visa';

const BRANDS: [RegExp, Brand][] = [
  [/^4/, 'visa'],
  [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, 'mastercard'],
  [/^3[47]/, 'amex'],
  [/^(6011|64[4-9]|65)/, 'discover'],
  [/^35/, 'jcb'],
  [/^3[0689]/, 'diners'],
  [/^62/, 'unionpay'],
];

export function brandOf(number: string): Brand {
  return BRANDS.find(([pattern]) => pattern.test(number))?.[1] ?? 'unknown';
}

/** The check digit of ISO/IEC 7812. */
export function passesLuhn(number: string): boolean {
  let sum = 0;
  for (let at = 0; at < number.length; at += 1) {
    const digit = Number(number[number.length - 1 - at]);
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** American Express prints four digits and takes three as well; all others have three. */
export function isCvcLength(cvc: string, brand: Brand): boolean {
  return /^\d+$/.test(cvc) && (cvc.length === 3 || (brand === 'amex' && cvc.length === 4));
}
