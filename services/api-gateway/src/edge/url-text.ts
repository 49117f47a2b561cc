import { containsCardNumber, maskCardNumbers } from '@centra/service-kit/card-data.ts';

const CARD_DIGITS_MIN = 13;
// Encoded twice is already hostile; deeper than this nothing downstream would ever decode.
const DECODE_ROUNDS_MAX = 3;
// Longer than any path of ours, so that one line of the log stays one line.
const LOGGED_PATH_MAX = 256;

/** Whether a URL (or a header) holds what looks like a card number, also percent-encoded. */
export function holdsCardNumber(text: string): boolean {
  // Nearly every text ends here: percent-encoded digits contain digits too.
  if (countDigits(text) < CARD_DIGITS_MIN) return false;
  let current = text.replaceAll('+', ' ');
  for (let round = 0; round < DECODE_ROUNDS_MAX; round += 1) {
    if (containsCardNumber(current)) return true;
    const decoded = decode(current);
    if (decoded === current) return false;
    current = decoded;
  }
  return containsCardNumber(current);
}

function countDigits(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    const letter = text.charCodeAt(index);
    if (letter >= 0x30 && letter <= 0x39) count += 1;
  }
  return count;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Half-broken encodings are decoded byte by byte: digits are ASCII, so they come out right.
    return text.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
}

// Keys of ours (`ck_test_…`), client secrets (`cs_live_…`), refresh tokens (`rt_…`), signed tokens, keys of providers
// (`sk_live_…`, `rk_…`) and secrets of webhooks: some callers put one where an id belongs, and are only refused afterwards.
// Eight letters are more than any word of a path of ours has behind such a beginning.
const KEY = /(?:(?:[a-z]k|cs)_(?:test|live)_|whsec_|\brt_|\beyJ)[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+)*/g;

/** Replaces what looks like a key, for text that is written to a log. */
export function maskKeys(text: string): string {
  return text.replaceAll(KEY, '[secret]');
}

/** The path of a URL without its query, as printable ASCII, short, and without card numbers and keys. */
export function toLoggablePath(url: string): string {
  const end = url.indexOf('?');
  // Before it is cut, so that no rest of a key is too short to be known for one.
  const path = maskKeys(end === -1 ? url : url.slice(0, end)).slice(0, LOGGED_PATH_MAX);
  // Control characters and bidi marks could rewrite what a person sees of a log (security-tests row 55).
  const printable = path.replaceAll(
    /[^\x21-\x7e]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return maskCardNumbers(printable);
}
