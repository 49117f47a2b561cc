import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { chargeBody, newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Stand } from '../testing/start-with-doubles.ts';

type Case = {
  body: Buffer | Record<string, unknown>;
  code: 'validation_failed' | 'malformed_json';
  field?: string;
};

const valid = JSON.stringify(chargeBody());
/** The valid body with the amount written as given. */
const amount = (literal: string): Buffer => Buffer.from(valid.replace('12050', literal));
const field = (name: string, value: unknown): Case => ({
  body: chargeBody({ [name]: value }),
  code: 'validation_failed',
  field: name,
});
const malformed = (body: Buffer | string): Case => ({ body: Buffer.from(body), code: 'malformed_json' });
const keys = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));

const REFUSED: Record<string, Case> = {
  // Security-tests row 16.
  'amount 0': field('amount', 0),
  'amount -1': field('amount', -1),
  'amount 1.5': field('amount', 1.5),
  'amount "100"': field('amount', '100'),
  'amount null': field('amount', null),
  'amount []': field('amount', []),
  'amount true': field('amount', true),
  'amount 1e400': malformed(amount('1e400')),
  'amount -0': malformed(amount('-0')),
  'amount 2^53': malformed(amount('9007199254740992')),
  'amount 1.0': malformed(amount('1.0')),
  'amount 1e2': malformed(amount('1e2')),
  'amount NaN': malformed(amount('NaN')),
  'amount 01': malformed(amount('01')),
  // Row 17.
  'currency usd': field('currency', 'usd'),
  'currency US$': field('currency', 'US$'),
  'currency XXX': field('currency', 'XXX'),
  'currency EURO': field('currency', 'EURO'),
  'currency empty': field('currency', ''),
  'currency number': field('currency', 978),
  // The other fields.
  'token short': field('card_token', 'tok_123'),
  'token long': field('card_token', 'a'.repeat(129)),
  'token with a path': field('card_token', '../../cards/x'),
  'token with a query': field('card_token', 'abcdefgh?api_key=x'),
  'booking reference empty': field('booking_reference', ''),
  'booking reference long': field('booking_reference', 'a'.repeat(65)),
  'booking reference with a line feed': field('booking_reference', 'BK\n1'),
  'booking reference with an escape': field('booking_reference', 'BK\u001b[2J'),
  'description long': field('description', 'a'.repeat(501)),
  'description with a line separator': field('description', 'a\u2028b'),
  'guest null': field('guest', null),
  'guest name empty': { ...field('guest', { name: '' }), field: 'guest.name' },
  'guest name long': { ...field('guest', { name: 'a'.repeat(101) }), field: 'guest.name' },
  'guest email': { ...field('guest', { email: 'ada@' }), field: 'guest.email' },
  'guest email with a header': {
    ...field('guest', { email: 'a@b.co\r\nBcc: c@d.co' }),
    field: 'guest.email',
  },
  'guest email long': { ...field('guest', { email: `${'a'.repeat(250)}@b.co` }), field: 'guest.email' },
  'guest with an unknown field': { ...field('guest', { phone: '1' }), field: 'guest.phone' },
  'metadata value number': { ...field('metadata', { a: 1 }), field: 'metadata.a' },
  'metadata value nested': { ...field('metadata', { a: { b: 'c' } }), field: 'metadata.a' },
  'metadata value long': { ...field('metadata', { a: 'a'.repeat(501) }), field: 'metadata.a' },
  'metadata value with a control character': { ...field('metadata', { a: 'x\u0007' }), field: 'metadata.a' },
  'metadata key with a space': { ...field('metadata', { 'a b': 'c' }), field: 'metadata.a b' },
  'metadata key long': {
    ...field('metadata', { ['a'.repeat(41)]: 'c' }),
    field: `metadata.${'a'.repeat(41)}`,
  },
  'metadata of 51 keys': field('metadata', keys(51)),
  'metadata list': field('metadata', ['a']),
  'return_url http': field('return_url', 'http://hotel.example/'),
  'return_url javascript': field('return_url', 'javascript:alert(1)'),
  'return_url relative': field('return_url', '//hotel.example/'),
  'return_url without slashes': field('return_url', 'https:hotel.example'),
  'return_url with a user': field('return_url', 'https://bank@hotel.example/'),
  'return_url with a backslash': field('return_url', 'https://hotel.example\\@evil.example/'),
  'return_url with a tab': field('return_url', 'https://hotel\t.example/'),
  'return_url without a host': field('return_url', 'https://'),
  'return_url like loopback': field('return_url', 'http://localhost.evil.example/'),
  'return_url long': field('return_url', `https://hotel.example/${'a'.repeat(2_048)}`),
  'provider account of another kind': field('provider_account', 'pay_01jd4qtq5y8w2s6v0c3x9z1b4d'),
  'provider account garbage': field('provider_account', "pa_' or 1=1"),
  'missing token': { body: omit('card_token'), code: 'validation_failed', field: 'card_token' },
  'missing amount': { body: omit('amount'), code: 'validation_failed', field: 'amount' },
  'missing currency': { body: omit('currency'), code: 'validation_failed', field: 'currency' },
  'missing booking reference': {
    body: omit('booking_reference'),
    code: 'validation_failed',
    field: 'booking_reference',
  },
  // Rows 7, 8 and 46: nothing that a caller has no say in.
  'unknown field status': field('status', 'succeeded'),
  'unknown field merchant_id': field('merchant_id', newMerchant().merchantId),
  'unknown field amount_captured': field('amount_captured', 1),
  'unknown field host': field('host', 'https://169.254.169.254'),
  'unknown field url': field('url', 'http://127.0.0.1/'),
  'unknown field headers': field('headers', { host: 'x' }),
  __proto__: malformed(valid.replace('{', '{"__proto__":{"isAdmin":true},')),
  'nested __proto__': malformed(
    JSON.stringify(chargeBody({ metadata: 0 })).replace('"metadata":0', '"metadata":{"__proto__":"x"}'),
  ),
  'escaped __proto__': malformed(valid.replace('{', '{"__pr\\u006fto__":1,')),
  constructor: malformed(valid.replace('{', '{"constructor":1,')),
  // Rows 5 and 6.
  'duplicate key': malformed(valid.replace('{', '{"amount":1,')),
  'duplicate key, escaped': malformed(valid.replace('{', '{"am\\u006funt":1,')),
  'bad UTF-8': malformed(
    Buffer.concat([Buffer.from('{"description":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
  ),
  'byte order mark': malformed(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(valid)])),
  'UTF-16': malformed(Buffer.from(valid, 'utf16le')),
  NUL: malformed(valid.replace('BK-1', 'BK\\u0000')),
  'lone surrogate': malformed(valid.replace('BK-1', 'BK\\ud800')),
  'depth over 32': malformed(valid.replace('{', `{"metadata":${'['.repeat(33)}${']'.repeat(33)},`)),
  'over 1,000 keys': malformed(JSON.stringify(chargeBody({ metadata: keys(1_001) }))),
  'empty body': malformed(''),
  'cut body': malformed(valid.slice(0, -1)),
  'two values': malformed(`${valid}${valid}`),
  'not an object': { body: Buffer.from('[]'), code: 'validation_failed' },
  'null body': { body: Buffer.from('null'), code: 'validation_failed' },
  'text body': { body: Buffer.from('"charge"'), code: 'validation_failed' },
};

const ACCEPTED: Record<string, Record<string, unknown>> = {
  'one minor unit': { amount: 1 },
  'the largest amount': { amount: Number.MAX_SAFE_INTEGER },
  'whole yen': { amount: 12_050, currency: 'JPY' },
  'dinars of three decimals': { amount: 12_051, currency: 'KWD' },
  dirhams: { amount: 10_000, currency: 'MAD' },
  'fields at their limits': {
    card_token: `tok_succeeds_${'a-_'.repeat(38)}b`,
    booking_reference: 'é'.repeat(64),
    description: 'a'.repeat(500),
    guest: { name: '山'.repeat(100), email: `${'a'.repeat(64)}@${'b'.repeat(60)}.example` },
    metadata: { ...keys(49), [`${'k'.repeat(38)}.-`]: 'v'.repeat(500) },
    return_url: `https://hotel.example/${'a'.repeat(2_026)}`,
  },
  'empty guest and metadata': { guest: {}, metadata: {} },
  'http to this machine in development': { return_url: 'http://localhost:3000/paid' },
  'http to the loopback address': { return_url: 'http://127.0.0.1:3000/paid' },
};

describe('what a charge may contain', () => {
  let stand: Stand;
  before(async () => {
    stand = await startWithDoubles();
  });
  after(async () => await stand.close());

  test('every bad body is 400 naming the field; transaction is not called and no row is written', async () => {
    for (const [name, { body, code, field: expected }] of Object.entries(REFUSED)) {
      const answer = await stand.charge('bad', body);
      assert.equal(answer.status, 400, `${name}: ${answer.bytes.toString()}`);
      assert.equal(answer.json()['code'], code, name);
      if (expected === undefined) continue;
      assert.deepEqual(answer.errorFields(), [expected], name);
    }
    assert.equal(stand.transaction.saleCalls.length, 0);
    assert.equal(await stand.replyCount(), 0);
    assert.equal('isAdmin' in {}, false);
  });

  test('honest bodies at the limits are charged as they are', async () => {
    for (const [name, changes] of Object.entries(ACCEPTED)) {
      const answer = await stand.charge(`good ${name}`, chargeBody(changes));
      assert.equal(answer.status, 201, `${name}: ${answer.bytes.toString()}`);
      const { amount: charged, currency } = answer.json();
      assert.deepEqual(
        { charged, currency },
        { charged: changes['amount'] ?? 12_050, currency: changes['currency'] ?? 'EUR' },
      );
    }
  });

  test('26: an Idempotency-Key that is missing, too long or not printable ASCII is 400 and nothing is sent', async () => {
    const calls = stand.transaction.saleCalls.length;
    const missing = await stand.call('/v1/charge', { method: 'POST', body: chargeBody() });
    const refused = [missing];
    for (const key of ['', ' ', 'a'.repeat(256), 'tab\tinside', 'caf\u00e9', '\u0080'])
      refused.push(await stand.charge(key, chargeBody()));
    for (const answer of refused) {
      assert.equal(answer.status, 400);
      assert.equal(answer.json()['code'], 'idempotency_key_invalid');
    }
    assert.match(await rawStatusLine(stand, 'Idempotency-Key: a\u0001b'), / 400 /);
    assert.equal(stand.transaction.saleCalls.length, calls);
    for (const key of ['a', '!', '~'.repeat(255), 'with space'])
      assert.equal((await stand.charge(key, chargeBody(), { as: newMerchant() })).status, 201, key);
  });

  test('query parameters are refused, not ignored', async () => {
    for (const query of ['?dry_run=true', '?a=1&a=2']) {
      const headers = { 'idempotency-key': 'query' };
      const answer = await stand.call(`/v1/charge${query}`, { method: 'POST', body: chargeBody(), headers });
      assert.equal(answer.status, 400);
    }
  });

  test('in production a return_url must be https even on loopback', async () => {
    const production = await stand.startAnother({ production: true });
    try {
      const port = production.httpPort;
      for (const [url, status] of [
        ['http://localhost/x', 400],
        ['https://localhost/x', 201],
      ] as const) {
        const answer = await stand.charge(url, chargeBody({ return_url: url }), { port });
        assert.equal(answer.status, status, answer.bytes.toString());
      }
    } finally {
      await production.close();
    }
  });
});

function omit(name: string): Record<string, unknown> {
  const { [name]: _omitted, ...rest } = chargeBody();
  return rest;
}

/** What Node's own parser answers to a header that its client would refuse to send. */
async function rawStatusLine(stand: Stand, header: string): Promise<string> {
  const socket = connect(stand.service.httpPort, '127.0.0.1');
  socket.end(`POST /v1/charge HTTP/1.1\r\nHost: localhost\r\n${header}\r\nContent-Length: 0\r\n\r\n`);
  let text = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString();
  return text.split('\r\n')[0] ?? '';
}
