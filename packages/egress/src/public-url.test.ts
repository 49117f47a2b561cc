import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { checkPublicUrl } from './public-url.ts';
import { parseTrustedTargets } from './trusted-targets.ts';

/** The refusal, or the URL as it would be called. */
function judge(text: string, trustedTargets: readonly string[] = []): string {
  const checked = checkPublicUrl(text, { trustedTargets });
  return checked.allowed ? checked.url.href : checked.why;
}

const REFUSED: Record<string, string[]> = {
  not_https: [
    'http://hooks.hotel.example/',
    'http://hooks.hotel.example:443/',
    'ftp://hooks.hotel.example/',
    'file:///etc/passwd',
    'gopher://hooks.hotel.example/',
    'javascript:alert(1)',
    'data:text/plain,x',
  ],
  port: [
    'https://hooks.hotel.example:444/',
    'https://hooks.hotel.example:80/',
    'https://hooks.hotel.example:0/',
  ],
  credentials: [
    'https://user@hooks.hotel.example/',
    'https://user:pass@hooks.hotel.example/',
    'https://:p@a.example/',
  ],
  fragment: ['https://hooks.hotel.example/#a', 'https://hooks.hotel.example/#', 'https://a.example/?q=1#'],
  too_long: [`https://hooks.hotel.example/${'a'.repeat(2_048)}`, `https://a.example/${'é'.repeat(1_000)}`],
  not_a_url: [
    '',
    'hooks.hotel.example',
    '/path',
    'https://',
    'https://a b.example/',
    ' https://a.example/',
    'https://a.example/\n',
    'ht\ttps://a.example/',
    'https://a.example\r\nHost: b/',
    'https://[::1',
    'https://1.2.3.256/',
  ],
  forbidden_name: [
    'https://localhost/',
    'https://localhost./',
    'https://LOCALHOST/',
    'https://a.localhost/',
    'https://db/',
    'https://metadata.google.internal/',
    'https://metadata.google.internal./',
    'https://a.INTERNAL/',
    'https://payments.centra.svc/',
    'https://kubernetes.default.svc.cluster.local/',
    'https://printer.local/',
    'https://router.home.arpa/',
    'https://1.0.0.127.in-addr.arpa/',
    'https://a.lan/',
    'https://hidden.onion/',
    'https://a..example/',
    'https://a.example../',
    'https://-a.example/',
    `https://${'a'.repeat(64)}.example/`,
    'https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/',
    'https://local%68ost/',
    `https://${'a.'.repeat(130)}example/`,
    'https://a$b.example/',
  ],
  forbidden_address: [
    // Row 41.
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '[::1]',
    '[fc00::1]',
    '[fe80::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:10.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[::]',
    // Row 42: spellings that only the parser turns into 127.0.0.1.
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '①②⑦.⓪.⓪.①',
    '0x7f000001',
    '127.0.0.1.',
    '%31%32%37.0.0.1',
    '017700000001',
    '127。0。0。1',
    '[0:0:0:0:0:ffff:7f00:1]',
    '[::7f00:1]',
    '255.255.255.255',
    '0',
  ].map((host) => `https://${host}/`),
};

for (const [why, texts] of Object.entries(REFUSED))
  describe(`refused: ${why}`, () => {
    for (const text of texts) test(JSON.stringify(text.slice(0, 60)), () => assert.equal(judge(text), why));
  });

describe('allowed, as the parser wrote it', () => {
  const cases: [string, string][] = [
    ['https://hooks.hotel.example/centra?key=1', 'https://hooks.hotel.example/centra?key=1'],
    ['HTTPS://Hooks.Hotel.Example', 'https://hooks.hotel.example/'],
    ['https://hooks.hotel.example:443/a', 'https://hooks.hotel.example/a'],
    ['https://hooks.hotel.example./a', 'https://hooks.hotel.example/a'],
    ['https://hôtel.example/é', 'https://xn--htel-vqa.example/%C3%A9'],
    ['https://93.184.215.14/a', 'https://93.184.215.14/a'],
    ['https://[2606:4700:4700::1111]/', 'https://[2606:4700:4700::1111]/'],
    ['https://a_b.example/', 'https://a_b.example/'],
    ['https:\\\\hooks.hotel.example\\a', 'https://hooks.hotel.example/a'],
  ];
  for (const [text, href] of cases) test(text, () => assert.equal(judge(text), href));
});

test('no text makes it throw, and what it allows is https on 443 without credentials or fragment', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
    fc
      .tuple(fc.constantFrom('https://', 'https:/', '//', 'http://'), fc.string())
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const checked = checkPublicUrl(text);
      if (!checked.allowed) return;
      const { protocol, port, username, password, href } = checked.url;
      assert.deepEqual([protocol, port, username, password], ['https:', '', '', '']);
      assert.ok(!href.includes('#') && href.length <= 2_048);
      assert.equal(judge(href), href, 'what was allowed is allowed again and means the same');
    }),
    { numRuns: 3_000 },
  );
});

describe('trusted targets', () => {
  const trusted = ['127.0.0.1:4000', 'localhost:4001', '[::1]:4002'];
  test('exactly these, over http or https', () => {
    for (const url of [
      'http://127.0.0.1:4000/a',
      'https://127.0.0.1:4000/',
      'http://localhost:4001/',
      'http://[::1]:4002/',
    ])
      assert.equal(judge(url, trusted), url);
    assert.equal(judge('http://0x7f.1:4000/', trusted), 'http://127.0.0.1:4000/', 'the same host and port');
  });

  test('no other port, host, scheme, user or fragment', () => {
    assert.equal(judge('http://127.0.0.1:4001/', trusted), 'not_https');
    assert.equal(judge('https://127.0.0.1/', trusted), 'forbidden_address');
    assert.equal(judge('http://localhost:4000/', trusted), 'not_https');
    assert.equal(judge('ftp://127.0.0.1:4000/', trusted), 'not_https');
    assert.equal(judge('http://u@127.0.0.1:4000/', trusted), 'credentials');
    assert.equal(judge('http://127.0.0.1:4000/#x', trusted), 'fragment');
  });

  test('a list is read whole or not at all', () => {
    assert.deepEqual(parseTrustedTargets(' 127.0.0.1:4000, Localhost:4001,'), [
      '127.0.0.1:4000',
      'localhost:4001',
    ]);
    assert.deepEqual(parseTrustedTargets(''), []);
    for (const text of [
      '127.0.0.1',
      'http://a:1',
      'a:99999',
      'a:1/x',
      '*:80',
      'a b:1',
      '127.1:80',
      'u@a:1',
      'a:080',
    ])
      assert.equal(parseTrustedTargets(text), undefined, text);
    const many = Array.from({ length: 21 }, (_none, index) => `a:${index + 1}`).join();
    assert.equal(parseTrustedTargets(many), undefined);
  });
});
