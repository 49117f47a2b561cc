import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ConfigError } from '@centra/service-kit/env.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { startTestGateway } from '../testing/gateway-under-test.ts';
import type { TestGateway } from '../testing/gateway-under-test.ts';
import { call } from '../testing/http-call.ts';
import type { Answer } from '../testing/http-call.ts';
import { startRealAuth } from '../testing/real-auth.ts';
import type { RealAuth } from '../testing/real-auth.ts';
import { readPages } from './pages.ts';

const HOSTILE = '<script>alert(1)</script><img src="https://evil.example/x"> & "quotes"';

const money = { type: 'integer', description: 'In minor units', minimum: 1, examples: [12_500] };
const description = {
  openapi: '3.1.1',
  info: {
    title: 'Payments <of hotels>',
    version: '9.9.9',
    description: `First.\n\n- one \`code\`\n- **two**\n\n${HOSTILE}`,
  },
  servers: [{ url: 'https://api.example.com' }],
  tags: [{ name: 'Charges', description: 'Take money.' }],
  paths: {
    '/v1/charge': {
      post: {
        summary: 'Charge a card',
        description: HOSTILE,
        tags: ['Charges'],
        parameters: [
          { $ref: '#/components/parameters/IdempotencyKey' },
          {
            name: 'expand',
            in: 'query',
            description: 'Say `more`',
            schema: { type: 'string', enum: ['a', 'b'] },
          },
        ],
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Charge' } } },
        },
        responses: {
          201: {
            description: 'Charged.',
            headers: { 'Idempotent-Replayed': { description: 'Present on a replay.' } },
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Payment' } } },
          },
          402: { $ref: '#/components/responses/Declined' },
        },
      },
    },
    '/v1/payments/{id}': {
      parameters: [
        { name: 'id', in: 'path', required: true, schema: { type: 'string', examples: ['pay_1'] } },
      ],
      get: { summary: "A guest's payment", tags: ['Charges'], responses: { 200: { description: 'It.' } } },
    },
  },
  components: {
    parameters: {
      IdempotencyKey: {
        name: 'Idempotency-Key',
        in: 'header',
        required: true,
        schema: { type: 'string', examples: ["it's-1"] },
      },
    },
    responses: { Declined: { description: 'The card was declined.' } },
    schemas: {
      Charge: {
        type: 'object',
        required: ['amount'],
        properties: {
          amount: money,
          guest: { $ref: '#/components/schemas/Guest' },
          metadata: { type: 'object', additionalProperties: { type: 'string' } },
        },
      },
      Guest: {
        type: 'object',
        properties: {
          name: { type: 'string', maxLength: 200, examples: ["O'Hara"] },
          companion: { $ref: '#/components/schemas/Guest' },
        },
      },
      Payment: {
        type: 'object',
        properties: { id: { type: 'string', examples: ['pay_1'] }, amount: money },
        required: ['id'],
      },
    },
  },
};

const folder = temporaryFolder('docs');
const file = join(folder, 'openapi.json');
writeFileSync(file, JSON.stringify(description));
let auth: RealAuth;
let gateway: TestGateway;
let page: Answer;
before(async () => {
  auth = await startRealAuth();
  gateway = await startTestGateway(auth, {}, { PUBLIC_DOCS: 'true', OPENAPI_FILE: file });
  page = await call(`${gateway.url}/docs`);
});
after(async () => {
  await gateway.close();
  await auth.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('/openapi.json is the description as it was committed', async () => {
  const answer = await call(`${gateway.url}/openapi.json`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.deepEqual(answer.json, JSON.parse(JSON.stringify(description)));
  assert.deepEqual((await call(`${gateway.opsUrl}/openapi.json`)).json, answer.json);
});

describe('/docs', () => {
  test('shows each operation with parameters, fields of references, examples and curl', () => {
    assert.equal(page.status, 200);
    assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
    for (const expected of [
      'Charge a card',
      'id="post-v1-charge"',
      'href="#get-v1-payments-id"',
      'Idempotency-Key',
      'In minor units',
      'at least 1',
      'at most 200 characters',
      'map of string',
      'The card was declined.',
      'Present on a replay.',
      '<li>one <code>code</code></li>',
      '<strong>two</strong>',
      '&quot;id&quot;: &quot;pay_1&quot;',
      'https://api.example.com/v1/payments/pay_1',
      'A guest&#39;s payment',
      'Payments &lt;of hotels&gt;',
    ])
      assert.ok(page.text.includes(expected), expected);
  });

  test('the curl of a charge is what a shell needs, quotes of names included', () => {
    const curl = [
      `curl -X POST 'https://api.example.com/v1/charge' \\`,
      `  -H 'Authorization: Bearer ck_test_…' \\`,
      `  -H 'Idempotency-Key: it'\\''s-1' \\`,
      `  -H 'Content-Type: application/json' \\`,
      `  -d '{`,
      `  "amount": 12500,`,
      `  "guest": {`,
      `    "name": "O'\\''Hara",`,
    ].join('\n');
    const shown = page.text.replaceAll('&#39;', "'").replaceAll('&quot;', '"');
    assert.ok(
      shown.includes(`<code>${curl}`),
      shown.slice(shown.indexOf('curl'), shown.indexOf('curl') + 400),
    );
  });

  test('row 15 and its kind: no script, nothing from elsewhere, no frame, and text stays text', () => {
    const policy = String(page.headers['content-security-policy']);
    assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; .*frame-ancestors 'none'$/);
    const style = /<style>([\s\S]*?)<\/style>/.exec(page.text)?.[1] ?? '';
    assert.ok(style.length > 1_000);
    assert.ok(policy.includes(createHash('sha256').update(style).digest('base64')));
    assert.doesNotMatch(page.text, /<script|<img|<link|<iframe|<form| on\w+=| style="|@import|url\(/i);
    assert.ok(page.text.includes('&lt;script&gt;alert(1)&lt;/script&gt;'));
    assert.equal(page.headers['x-content-type-options'], 'nosniff');
  });

  test('every link within the page has its target, and no target stands twice', () => {
    const ids = [...page.text.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    const links = [...page.text.matchAll(/href="#([^"]+)"/g)].map((match) => match[1]);
    assert.ok(links.length >= 4);
    assert.equal(new Set(ids).size, ids.length);
    for (const link of links) assert.ok(ids.includes(link), link);
  });

  test('only reading is allowed', async () => {
    const answer = await call(`${gateway.url}/docs`, { method: 'POST' });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.allow, 'GET, HEAD');
  });
});

describe('a description that cannot be shown refuses the start', () => {
  const cases: [string, string][] = [
    ['no JSON', '{'],
    ['another version', JSON.stringify({ ...description, openapi: '3.0.3' })],
    ['a dangling reference', JSON.stringify({ ...description, components: {} })],
  ];
  for (const [name, text] of cases)
    test(name, () => {
      const broken = join(folder, 'broken.json');
      writeFileSync(broken, text);
      assert.throws(() => readPages(broken), ConfigError);
    });

  test('the committed description can be shown', () => {
    const committed = join(import.meta.dirname, '..', '..', 'openapi.json');
    assert.match(readFileSync(committed, 'utf8'), /^\{\s*"openapi": "3\.1/);
    assert.ok((readPages(committed).get('/docs')?.body.length ?? 0) > 1_000);
  });
});
