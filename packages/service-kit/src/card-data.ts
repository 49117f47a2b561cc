import { AppError } from './errors.ts';

/** Whether a text contains what looks like a card number: right length and start, and a correct Luhn digit. */
export function containsCardNumber(text: string): boolean {
  return findCardNumbers(text.normalize('NFKC')).length > 0;
}

/** Replaces what looks like a card number, for text that is written to a log. Other text stays as it is. */
export function maskCardNumbers(text: string): string {
  const plain = text.normalize('NFKC');
  const found = findCardNumbers(plain);
  if (found.length === 0) return text;
  let masked = '';
  let index = 0;
  for (const { start, end } of found) {
    masked += `${plain.slice(index, start)}[card number]`;
    index = end;
  }
  return masked + plain.slice(index);
}

type Span = { start: number; end: number };
type Group = Span & { digits: string };

// ISO/IEC 7812: 13 to 19 digits; payment cards begin with 2 to 6.
const DIGITS_MIN = 13;
const DIGITS_MAX = 19;
const CARD_START = /^[2-6]/;
// A UUID may begin with 16 digits by chance, about once in 20,000; hotels keep many of them in metadata.
const UUID = /(?<![0-9A-Za-z])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9A-Za-z])/gi;
// Digits that are a word of their own: vault tokens and ids mix letters in and do not match.
const GROUP = /(?<![0-9A-Za-z])\d+(?![0-9A-Za-z])/g;
// What people and spreadsheets put between the groups of a card number; NFKC has made every blank a space.
const SEPARATOR = /^[ \t.\-\u2010-\u2015\u2212]{1,3}$/;
// How cards are embossed: fours with a shorter rest, or 4-6-5 and 4-6-4. Found even beside other digits.
const CARD_GROUPS = /^(?:4(?:,4)*,[1-4]|4,6,[45])$/;

function findCardNumbers(text: string): Span[] {
  if (text.length < DIGITS_MIN) return [];
  return digitRuns(text.replaceAll(UUID, (uuid) => 'u'.repeat(uuid.length))).flatMap(cardsOfRun);
}

/** Groups of digits with nothing but separators between them. */
function digitRuns(text: string): Group[][] {
  const runs: Group[][] = [];
  let run: Group[] = [];
  for (const match of text.matchAll(GROUP)) {
    const group = { digits: match[0], start: match.index, end: match.index + match[0].length };
    const last = run.at(-1);
    if (
      last !== undefined &&
      group.start - last.end <= 3 &&
      SEPARATOR.test(text.slice(last.end, group.start))
    ) {
      run.push(group);
    } else {
      run = [group];
      runs.push(run);
    }
  }
  return runs;
}

function cardsOfRun(run: readonly Group[]): Span[] {
  const cards: Span[] = [];
  for (let first = 0; first < run.length; first += 1) {
    const last = lastGroupOfCard(run, first);
    if (last === undefined) continue;
    cards.push({ start: run[first]?.start ?? 0, end: run[last]?.end ?? 0 });
    first = last;
  }
  return cards;
}

/** Where a card number that begins with this group ends; undefined when none does. Looks at 19 digits at most. */
function lastGroupOfCard(run: readonly Group[], first: number): number | undefined {
  const alone = run[first]?.digits.length ?? 0;
  // Any grouping will do for a whole run only. Without this, a long row of single digits, 256 KiB of it, would be looked at
  // from each of them, and the process stand still for a second.
  if (first > 0 && alone !== 4 && alone < DIGITS_MIN) return undefined;
  let digits = '';
  let lengths = '';
  for (let last = first; last < run.length; last += 1) {
    const group = run[last]?.digits ?? '';
    digits += group;
    if (digits.length > DIGITS_MAX) return undefined;
    lengths += last === first ? group.length : `,${group.length}`;
    // One group, a whole run, or groups as on a card.
    const isGroupedSo =
      first === last || (first === 0 && last === run.length - 1) || CARD_GROUPS.test(lengths);
    if (digits.length >= DIGITS_MIN && isGroupedSo && CARD_START.test(digits) && passesLuhn(digits))
      return last;
  }
  return undefined;
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
const CARD_FIELDS = /^(card[_-]?number|pan|cvv2?|cvc2?|service[_-]?code|security[_-]?code)$/i;

// A network's transaction id has 15 digits at Visa, and one in ten of them passes for a card number by its check digit. No
// text of a guest or clerk is ever put there.
const NETWORK_ID_FIELD = 'original_network_transaction_id';
const NETWORK_ID = /^\d{15}$/;

/** Throws `card_data_not_allowed` (422), naming the field but never the value, when any text or key holds card data. */
export function refuseCardData(value: unknown, path = ''): void {
  if (typeof value === 'string') {
    if (containsCardNumber(value)) throw refusal(path === '' ? 'body' : path);
  } else if (typeof value === 'number') {
    if (containsCardNumber(String(value))) throw refusal(path === '' ? 'body' : path);
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseCardData(item, `${path}[${index}]`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const itemPath = path === '' ? key : `${path}.${key}`;
      if (containsCardNumber(key)) throw refusal(path === '' ? 'body' : path);
      if (CARD_FIELDS.test(key)) throw refusal(itemPath);
      if (key === NETWORK_ID_FIELD && typeof item === 'string' && NETWORK_ID.test(item)) continue;
      refuseCardData(item, itemPath);
    }
  }
}

// The caller chooses the names of fields, and their length.
const FIELD_MAX_LENGTH = 128;

function refusal(path: string): AppError {
  const field = path.slice(0, FIELD_MAX_LENGTH);
  return new AppError('card_data_not_allowed', {
    errors: [{ field, reason: 'looks like card data, which only the card vault may receive' }],
  });
}
