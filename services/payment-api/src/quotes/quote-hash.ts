import { hash } from 'node:crypto';
import { canonicalJson } from '../replies/fingerprint.ts';
import type { Price } from './price.ts';
import type { QuoteRequest } from './quote-request.ts';

// Keeps these hashes apart from any other use of SHA-256 over similar parts, and names the form.
const DOMAIN = 'centra quote 1';

/**
 * SHA-256 in hexadecimal over everything that makes a price: hotel, mode, what was asked, the rules that applied, the lines
 * and the total. The order in which items and codes were asked does not change it, nor do rules that did not apply: a new
 * version of the pricing in which this costs the same gives the same hash.
 */
export function hashOf(
  whose: { merchantId: string; mode: string },
  request: QuoteRequest,
  price: Price,
): string {
  const content = {
    domain: DOMAIN,
    merchant_id: whose.merchantId,
    mode: whose.mode,
    request: {
      ...request,
      items: request.items.toSorted((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1)),
      discount_codes: request.discount_codes.toSorted(),
    },
    rules: price.rules,
    lines: price.lines.map((line) => ({
      ...line,
      unitMinor: String(line.unitMinor),
      amountMinor: String(line.amountMinor),
    })),
    subtotal: String(price.subtotalMinor),
    discount: String(price.discountMinor),
    tax: String(price.taxMinor),
    total: String(price.totalMinor),
  };
  return hash('sha256', canonicalJson(content), 'hex');
}
