import { CANARY_VISA } from './canaries.ts';

/** A request that holds a card number where none belongs. */
export type Misplaced = {
  where: string;
  method: 'GET' | 'POST';
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: unknown;
  /** Headers that we neither need nor keep may hold anything: only that nothing of it stays matters. */
  isRefused: boolean;
};

const { number } = CANARY_VISA;
const SPACED = number.replaceAll(/(\d{4})(?=\d)/g, '$1 ');
const DASHED = number.replaceAll(/(\d{4})(?=\d)/g, '$1-');

/** Where guests and clerks put card numbers by mistake, through every part of a request. */
export function misplacedRequests(card: string): Misplaced[] {
  const charge = { card_token: card, amount: 1_000, currency: 'EUR', booking_reference: 'PROOF-leak' };
  const inBody = (where: string, more: Record<string, unknown>): Misplaced => ({
    where,
    method: 'POST',
    path: '/v1/charge',
    body: { ...charge, ...more },
    isRefused: true,
  });
  return [
    inBody("the guest's name", { guest: { name: `Amina ${number}`, email: '' } }),
    inBody('description', { description: `my card is ${SPACED}` }),
    inBody('description, dashed', { description: `card ${DASHED} exp 12/32` }),
    inBody('metadata', { metadata: { note: number } }),
    inBody('the name of a metadata field', { metadata: { [number]: 'x' } }),
    inBody('booking reference', { booking_reference: `BK ${number}` }),
    inBody('card token', { card_token: number }),
    inBody('a field for codes', { cvc: CANARY_VISA.code }),
    {
      where: 'Idempotency-Key',
      method: 'POST',
      path: '/v1/charge',
      headers: { 'idempotency-key': `key-${number}` },
      body: charge,
      isRefused: true,
    },
    inUrl('path', `/v1/payments/${number}`),
    inUrl('path, percent-encoded', `/v1/payments/${number.replaceAll(/\d/g, (digit) => `%3${digit}`)}`),
    inUrl('query', `/v1/payments?query=${number}`),
    inUrl('query, spaced', `/v1/payments?query=${encodeURIComponent(SPACED)}`),
    {
      where: "an account's name",
      method: 'POST',
      path: '/v1/provider-accounts',
      body: { provider: 'simulator', mode: 'test', name: `Till ${number}`, credentials: {} },
      isRefused: true,
    },
    {
      where: "an API key's name",
      method: 'POST',
      path: '/v1/api-keys',
      body: { name: `Till ${number}`, scopes: ['payments:read'] },
      isRefused: true,
    },
    inHeader('x-request-id', number),
    inHeader('user-agent', `Till/${number}`),
    inHeader('referer', `https://example.com/pay?card=${number}`),
    inHeader('traceparent', number),
    inHeader('x-forwarded-for', number),
  ];
}

function inHeader(name: string, value: string): Misplaced {
  const headers = { [name]: value };
  return { where: `header ${name}`, method: 'GET', path: '/v1/payments?limit=1', headers, isRefused: false };
}

function inUrl(where: string, path: string): Misplaced {
  return { where, method: 'GET', path, isRefused: true };
}
