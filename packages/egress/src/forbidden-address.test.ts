import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { isForbiddenAddress } from './forbidden-address.ts';

// First and last address of each, in numbers of its own: written apart from the list that is tested.
const FORBIDDEN_V4: [string, string][] = [
  ['0.0.0.0', '0.255.255.255'],
  ['10.0.0.0', '10.255.255.255'],
  ['100.64.0.0', '100.127.255.255'],
  ['127.0.0.0', '127.255.255.255'],
  ['168.63.129.16', '168.63.129.16'],
  ['169.254.0.0', '169.254.255.255'],
  ['172.16.0.0', '172.31.255.255'],
  ['192.0.0.0', '192.0.0.255'],
  ['192.0.2.0', '192.0.2.255'],
  ['192.88.99.0', '192.88.99.255'],
  ['192.168.0.0', '192.168.255.255'],
  ['198.18.0.0', '198.19.255.255'],
  ['198.51.100.0', '198.51.100.255'],
  ['203.0.113.0', '203.0.113.255'],
  ['224.0.0.0', '255.255.255.255'],
];
const numberOf = (address: string) =>
  address.split('.').reduce((value, part) => value * 256 + Number(part), 0);
const dotted = (value: number) =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
const bounds = FORBIDDEN_V4.map(([first, last]) => [numberOf(first), numberOf(last)] as const);
const isForbiddenNumber = (value: number) => bounds.some(([first, last]) => value >= first && value <= last);

/** Every way of writing an IPv4 address as an IPv6 one that networks carry to it. */
function innerForms(value: number): string[] {
  const [high, low] = [Math.floor(value / 65_536).toString(16), (value % 65_536).toString(16)];
  return [
    `::ffff:${dotted(value)}`,
    `::ffff:${high}:${low}`,
    `0:0:0:0:0:FFFF:${dotted(value)}`,
    `64:ff9b::${dotted(value)}`,
    `64:ff9b::${high}:${low}`,
    `2002:${high}:${low}::1`,
  ];
}

describe('IPv4', () => {
  for (const [first, last] of FORBIDDEN_V4)
    test(`${first} to ${last}: both ends, and neither neighbour unless another range has it`, () => {
      assert.deepEqual([first, last].map(isForbiddenAddress), [true, true]);
      for (const beside of [numberOf(first) - 1, numberOf(last) + 1])
        if (beside >= 0 && beside < 2 ** 32)
          assert.equal(isForbiddenAddress(dotted(beside)), isForbiddenNumber(beside), dotted(beside));
    });

  test('any address, plain or inside IPv6, is forbidden exactly when it is in a range', () => {
    const inRange = fc.constantFrom(...bounds).chain(([min, max]) => fc.integer({ min, max }));
    const anywhere = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(fc.oneof(inRange, anywhere), (value) => {
        for (const form of [dotted(value), ...innerForms(value)])
          assert.equal(isForbiddenAddress(form), isForbiddenNumber(value), form);
      }),
      { numRuns: 2_000 },
    );
  });

  test('public ones are not', () => {
    for (const address of ['1.1.1.1', '8.8.8.8', '93.184.215.14', '100.63.255.255', '172.32.0.1'])
      assert.equal(isForbiddenAddress(address), false, address);
  });
});

describe('IPv6', () => {
  const forbidden = [
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:0:127.0.0.1',
    '64:ff9b:1::8.8.8.8',
    '100::1',
    '100:0:0:1::1',
    '2001::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '2001:1ff:ffff::1',
    '2001:db8::1',
    '3fff:fff::1',
    '5f00::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'febf::1',
    'fec0::1',
    'ff02::1',
    'FF0E::1',
    '2002:7f00:1::1',
    '2002:a00:1::',
    '4000::1',
    '1fff::1',
    'fe80::1%eth0',
    '2606:4700::1111%1',
  ];
  for (const address of forbidden)
    test(`${address} is forbidden`, () => assert.equal(isForbiddenAddress(address), true));

  const open = ['2606:4700:4700::1111', '2001:4860:4860::8888', '2001:200::1', '2a00:1450:4001:81b::200e'];
  for (const address of [...open, '2002:808:808::1', '64:ff9b::8.8.8.8', '::ffff:1.1.1.1', '3fff:1000::1'])
    test(`${address} is not`, () => assert.equal(isForbiddenAddress(address), false));

  test('nothing outside 2000::/3 may be called, but for the IPv4 addresses in it', () => {
    const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, (numbers) => {
        const [first = 0] = numbers;
        fc.pre(first >>> 13 !== 1 && first !== 0x64 && first !== 0);
        assert.equal(isForbiddenAddress(numbers.map((each) => each.toString(16)).join(':')), true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('the spelling of an address changes nothing', () => {
    for (const same of [
      '::1',
      '0:0:0:0:0:0:0:1',
      '0000:0000:0000:0000:0000:0000:0000:0001',
      '::0001',
      '::0.0.0.1',
    ])
      assert.equal(isForbiddenAddress(same), true, same);
    for (const same of ['2606:4700:0:0:0:0:0:1111', '2606:4700::1111', '2606:4700:0::0:1111'])
      assert.equal(isForbiddenAddress(same), false, same);
  });
});

test('what is no address may not be called either', () => {
  for (const text of [
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '0x7f.0.0.1',
    '2130706433',
    '1.1.1.1/32',
    '[::1]',
    ' 1.1.1.1',
  ])
    assert.equal(isForbiddenAddress(text), true, text);
});
