import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { createLog, errorForLog } from './log.ts';
import { Secret } from './secret.ts';

const CLEAR = 'value-that-may-not-print';
const CARD = '4242424242424242';

describe('a line', () => {
  test('is one JSON object with service, level in words and UTC time', () => {
    const [line] = linesOf(`log.info({ payment: 'pay_1' }, 'charged')`);
    assert.match(String(line?.['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(
      { ...line, time: '' },
      { level: 'info', time: '', service: 'kit', payment: 'pay_1', message: 'charged' },
    );
  });

  test('below the level is not written', () => {
    assert.equal(linesOf(`log.debug('no'); log.info('yes')`).length, 1);
    assert.deepEqual(linesOf(`createLog('kit', 'silent').fatal('no')`), []);
  });

  test('is whole even when the process ends right after it', () => {
    assert.equal(
      linesOf(
        `for (let i = 0; i < 2000; i += 1) log.info({ i, text: 'x'.repeat(100) }, 'line'); process.exit(0)`,
      ).length,
      2_000,
    );
  });
});

describe('secret fields are redacted', () => {
  const names = [
    'authorization',
    'cookie',
    'set-cookie',
    'x-centra-identity',
    'Authorization',
    'secret',
    'password',
    'token',
    'card',
    'card_number',
    'cardNumber',
    'pan',
    'cvv',
    'cvc',
    'service_code',
    'api_key',
    'apiKey',
    'secret_key',
    'secretKey',
    'client_secret',
    'clientSecret',
    'private_key',
    'privateKey',
    'credentials',
    'body',
  ];

  test('at the top, at any level below, and in child loggers', () => {
    const fields = JSON.stringify(Object.fromEntries(names.map((name) => [name, CLEAR])));
    const lines = linesOf(
      `const f = ${fields};
       log.info(f, 'top'); log.info({ a: f }, 'one'); log.info({ a: { b: f } }, 'two'); log.info({ list: [[{ a: { b: f } }]] }, 'list');
       log.child(f).info('child'); log.child({}, {}).child({ headers: f }).info('child')`,
    );
    assert.equal(lines.length, 6);
    for (const line of lines) {
      const text = JSON.stringify(line);
      assert.ok(!text.includes(CLEAR), text);
      assert.equal(text.split('[redacted]').length - 1, names.length, text);
    }
  });

  test('but other values stay, and what has its own JSON keeps it', () => {
    const [line] = linesOf(
      `log.info({ at: new Date(0), count: 0, none: null, list: [1, 'x', { tokens: 2 }], bytes: Buffer.from('x') }, 'line')`,
    );
    assert.deepEqual(
      [line?.['at'], line?.['count'], line?.['none'], line?.['list']],
      ['1970-01-01T00:00:00.000Z', 0, null, [1, 'x', { tokens: 2 }]],
    );
  });

  test('a circular object, a very deep one and one without prototype are logged in bounded length', () => {
    const written = writtenBy(
      `const circular = { name: 'c' }; circular.self = circular; circular.list = [circular];
       let deep = {}; for (let i = 0; i < 10_000; i += 1) deep = { deep };
       log.info({ circular, deep, bare: Object.assign(Object.create(null), { a: 1 }) }, 'line')`,
    );
    assert.ok(written.includes('"bare":{"a":1}'));
    assert.ok(written.length < 20_000);
  });

  test('whatever they hold: objects, lists and Secret too', () => {
    const [line] = linesOf(
      `log.info({ body: { note: '${CLEAR}' }, token: ['${CLEAR}'], holder: new Secret('${CLEAR}') }, 'line')`,
    );
    assert.deepEqual(
      [line?.['body'], line?.['token'], line?.['holder']],
      ['[redacted]', '[redacted]', '[redacted]'],
    );
  });
});

describe('an error', () => {
  test('is told by name, message, code, stack and causes', () => {
    const cause = Object.assign(new TypeError('inner'), { code: 'ECONNREFUSED' });
    const told = errorForLog(Object.assign(new Error('outer', { cause }), { code: 42 }));
    assert.equal(told['name'], 'Error');
    assert.equal(told['message'], 'outer');
    assert.equal(told['code'], 42);
    assert.match(String(told['stack']), /log\.test\.ts/);
    const { stack, ...inner } = Object(told['cause']);
    assert.deepEqual(inner, { name: 'TypeError', message: 'inner', code: 'ECONNREFUSED' });
    assert.match(String(stack), /TypeError: inner/);
  });

  test('is told without the requests, bodies and replies attached to it', () => {
    const [line] = linesOf(
      `const attached = { config: { auth: '${CLEAR}' }, request: '${CLEAR}', response: { data: '${CLEAR}' }, raw: '${CLEAR}', detail: '${CLEAR}', code: { a: '${CLEAR}' } };
       const err = Object.assign(new Error('failed', { cause: Object.assign(new Error('inner'), attached) }), attached);
       log.error({ err }, 'call failed')`,
    );
    assert.equal(Reflect.get(Object(line?.['err']), 'message'), 'failed');
    assert.ok(!JSON.stringify(line).includes(CLEAR), JSON.stringify(line));
  });

  test('logged directly, and as the message, is told the same way', () => {
    const [line] = linesOf(`log.error(Object.assign(new Error('failed'), { body: '${CLEAR}' }))`);
    assert.ok(!JSON.stringify(line).includes(CLEAR));
    assert.equal(line?.['message'], 'failed');
  });

  test('loses card numbers from its message and stack', () => {
    const error = new Error(`provider said: 4242 4242 4242 4242 is blocked`, {
      cause: new Error(`pan=${CARD}`),
    });
    const text = JSON.stringify(errorForLog(error));
    assert.doesNotMatch(text, /4242/);
    assert.match(text, /\[card number\] is blocked/);
  });

  test('that is its own cause, or has a very long chain of causes, is told in bounded length', () => {
    const circular = new Error('circular');
    circular.cause = circular;
    const pair = new Error('one', { cause: circular });
    let chain = new Error('0');
    for (let index = 1; index < 10_000; index += 1) chain = new Error(String(index), { cause: chain });
    for (const error of [circular, pair, chain])
      assert.ok(JSON.stringify(errorForLog(error)).length < 20_000);
  });

  test('that is no Error is told as text', () => {
    assert.deepEqual(errorForLog('thrown text'), { message: 'thrown text' });
    assert.deepEqual(errorForLog(undefined), { message: 'undefined' });
    assert.deepEqual(errorForLog(new Secret(CLEAR)), { message: '[redacted]' });
    assert.deepEqual(errorForLog(Object.create(null)), { message: 'an object that is no error' });
  });
});

describe('input cannot forge lines or confuse a terminal', () => {
  // Line ends, escape sequences, C1 controls, marks that reverse or hide text, and line separators.
  const hostile = [
    '\r\n{"level":"info","message":"forged"}',
    '\u001b[2J\u001b]0;title\u0007',
    '\u009b31m\u0085\u007f\u0000',
    '\u202e\u202d\u202a\u202b\u202c\u2066\u2067\u2068\u2069\u200e\u200f\u061c',
    '\u2028\u2029\u200b\ufeff',
  ];
  // Written as text, since a pattern may not hold control characters: all but the line feeds that end our lines.
  const CONFUSING = new RegExp(
    String.raw`[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]`,
  );

  for (const text of hostile)
    test(`${JSON.stringify(text).slice(0, 24)} as value, key, message, error and context`, () => {
      const program = `const text = ${JSON.stringify(text)};
        log.info({ value: text, nested: { [text]: text } }, 'a ' + text);
        log.error({ err: new Error(text) }, '%s', text);
        log.child({ context: text }).info('long ' + text + 'x'.repeat(200))`;
      const written = writtenBy(program);
      assert.equal(written.split('\n').length, 4);
      assert.doesNotMatch(written, CONFUSING);
      const [line] = parsed(written);
      // Escaped, not dropped: whoever reads the line as JSON sees what came in.
      assert.equal(line?.['value'], text);
      assert.deepEqual(line?.['nested'], { [text]: text });
    });

  test('other scripts stay readable', () => {
    const written = writtenBy(`log.info({ guest: 'زبون José 王 😀' }, 'line')`);
    assert.ok(written.includes('زبون José 王 😀'));
  });
});

/** What a process prints that runs these statements with a log of level info. */
function writtenBy(statements: string): string {
  const program = `
    import { createLog } from ${JSON.stringify(import.meta.resolve('./log.ts'))};
    import { Secret } from ${JSON.stringify(import.meta.resolve('./secret.ts'))};
    const log = createLog('kit', 'info');
    ${statements}
    export { Secret };`;
  const args = ['--input-type=module', '--eval', program];
  const child = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  assert.equal(child.status, 0, child.stderr);
  return child.stdout;
}

function linesOf(statements: string): Record<string, unknown>[] {
  return parsed(writtenBy(statements));
}

function parsed(written: string): Record<string, unknown>[] {
  return written
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Object(JSON.parse(line)));
}

test('a log writes to standard output of its own process', () => {
  // The tests above look at child processes; this one only makes sure that they look at the same function.
  assert.equal(createLog('kit', 'warn').level, 'warn');
});
