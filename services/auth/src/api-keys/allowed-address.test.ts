import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toCanonicalNetwork } from './allowed-address.ts';

const CASES: [string, string | undefined][] = [
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.7/32', '203.0.113.7'],
  ['203.0.113.0/24', '203.0.113.0/24'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['255.255.255.254/31', '255.255.255.254/31'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:db8:7::/48', '2001:db8:7::/48'],
  ['2001:0db8:0007:0000::/48', '2001:db8:7::/48'],
  ['2001:db8::1/128', '2001:db8::1'],
  ['::/0', '::/0'],
  ['::1', '::1'],
  ['fe80::/10', 'fe80::/10'],
  // Host bits.
  ['203.0.113.7/24', undefined],
  ['2001:db8::1/64', undefined],
  ['128.0.0.0/0', undefined],
  ['fe80::/8', undefined],
  // Other spellings that somebody could read as something else.
  ['203.0.113.007', undefined],
  ['203.0.113', undefined],
  ['3405803783', undefined],
  ['0x7f.0.0.1', undefined],
  ['203.0.113.0/024', undefined],
  ['203.0.113.0/33', undefined],
  ['203.0.113.0/-1', undefined],
  ['203.0.113.0/', undefined],
  ['203.0.113.0/24/24', undefined],
  ['2001:db8::/129', undefined],
  ['fe80::1%eth0', undefined],
  ['::ffff:203.0.113.7', undefined],
  ['::ffff:cb00:7107', undefined],
  [' 203.0.113.7', undefined],
  ['203.0.113.7\n', undefined],
  ['hotel.example', undefined],
  ['', undefined],
];

for (const [text, canonical] of CASES)
  test(`${JSON.stringify(text)} is ${canonical ?? 'refused'}`, () => {
    assert.equal(toCanonicalNetwork(text), canonical);
    if (canonical !== undefined) assert.equal(toCanonicalNetwork(canonical), canonical);
  });
