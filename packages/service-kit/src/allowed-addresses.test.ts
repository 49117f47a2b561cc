import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressRule } from './allowed-addresses.ts';

test('an empty list allows every address', () => {
  assert.equal(addressRule([]), undefined);
});

const cases: [allowed: string[], address: string, isAllowed: boolean][] = [
  [['203.0.113.7'], '203.0.113.7', true],
  [['203.0.113.7'], '203.0.113.8', false],
  [['203.0.113.7', '198.51.100.0/24'], '198.51.100.255', true],
  [['203.0.113.7', '198.51.100.0/24'], '198.51.101.0', false],
  [['10.1.2.3/8'], '10.255.0.1', true],
  [['0.0.0.0/0'], '203.0.113.7', true],
  [['0.0.0.0/0'], '2001:db8::1', false],
  [['2001:db8::/32'], '2001:db8:1::9', true],
  [['2001:db8::/32'], '2001:db9::1', false],
  [['2001:DB8::1'], '2001:db8:0:0:0:0:0:1', true],
  // The same IPv4 address, in each way that it comes.
  [['203.0.113.7'], '::ffff:203.0.113.7', true],
  [['203.0.113.7'], '::ffff:cb00:7107', true],
  [['203.0.113.7'], '0:0:0:0:0:ffff:203.0.113.7', true],
  [['203.0.113.7'], '::ffff:203.0.113.8', false],
  [['::ffff:203.0.113.7'], '203.0.113.7', true],
  [['::ffff:203.0.113.0/120'], '203.0.113.99', true],
  [['::ffff:203.0.113.0/120'], '203.0.114.1', false],
  [['::ffff:203.0.113.0/95'], '203.0.113.1', false],
  // What cannot be read allows nobody, and leaves the rest of the list as it is.
  [['office.example'], '203.0.113.7', false],
  [['203.0.113.7/33'], '203.0.113.7', false],
  [['203.0.113.7/'], '203.0.113.7', false],
  [['203.0.113.7/-1'], '203.0.113.7', false],
  [['203.0.113.7/32/32'], '203.0.113.7', false],
  [['0x7f.1'], '127.0.0.1', false],
  [['203.0.113.007'], '203.0.113.7', false],
  [[''], '203.0.113.7', false],
  [['nonsense', '203.0.113.7'], '203.0.113.7', true],
  // A caller without an address that can be read is nowhere.
  [['0.0.0.0/0', '::/0'], '', false],
  [['0.0.0.0/0', '::/0'], 'unknown', false],
  [['203.0.113.7'], '203.0.113.7:443', false],
];

describe('who is on the list', () => {
  for (const [allowed, address, isAllowed] of cases)
    test(`${JSON.stringify(allowed)} ${isAllowed ? 'allows' : 'refuses'} "${address}"`, () => {
      assert.equal(addressRule(allowed)?.(address), isAllowed);
    });
});
