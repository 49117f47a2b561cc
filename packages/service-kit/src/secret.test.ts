import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { pino } from 'pino';
import { errorForLog } from './log.ts';
import { Secret } from './secret.ts';

const CLEAR = 'value-that-may-not-print';
const secret = new Secret(CLEAR);
// What a spread makes of it too.
const copy = Object.assign({}, secret);

test('only reveal opens it', () => {
  assert.equal(secret.reveal(), CLEAR);
});

test('nothing that prints a value prints it', () => {
  const printed: Record<string, string> = {
    JSON: JSON.stringify({ a: [secret], b: { secret } }),
    inspect: inspect({ secret }, { depth: 5, showHidden: true, getters: true }),
    'inspect without custom functions': inspect(secret, { customInspect: false, showHidden: true }),
    format: format('%s %o %O %j', secret, secret, secret, secret),
    template: `a ${String(secret)}`,
    concatenation: ''.concat(String(secret)),
    copy: inspect(copy) + JSON.stringify(copy),
    keys: JSON.stringify([Object.entries(secret), Reflect.ownKeys(secret)]),
    clone: inspect(structuredClone(copy)),
    'error cause': inspect(new Error('failed', { cause: secret })),
    'error cause in a log': JSON.stringify(errorForLog(new Error('failed', { cause: secret }))),
    'map and set': inspect([new Map([['secret', secret]]), new Set([secret])]),
    'log line': logLine({
      secretHolder: secret,
      nested: { value: secret },
      err: new Error('x', { cause: secret }),
    }),
  };
  for (const [way, text] of Object.entries(printed)) assert.ok(!text.includes(CLEAR), `${way}: ${text}`);
});

test('a log line shows that something was there', () => {
  assert.match(logLine({ holder: secret }), /"holder":"\[redacted\]"/);
  assert.equal(JSON.stringify(secret), '"[redacted]"');
  assert.equal(String(secret), '[redacted]');
  assert.equal(inspect(secret), '[redacted]');
});

test('the last four characters are told only of a value long enough', () => {
  assert.equal(new Secret('sk_test_1234').last4(), '1234');
  assert.equal(new Secret('12345678901').last4(), '');
  assert.equal(new Secret('').last4(), '');
});

function logLine(fields: object): string {
  let written = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written += chunk.toString();
      done();
    },
  });
  pino({ serializers: { err: errorForLog } }, sink).info(fields, 'line');
  assert.ok(written.includes('line'));
  return written;
}
