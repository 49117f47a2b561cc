import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { after, before, test } from 'node:test';
import { startDnsServer } from './dns-server.ts';
import type { DnsServer } from './dns-server.ts';

let server: DnsServer;
const resolver = new Resolver({ timeout: 500, tries: 1 });
before(async () => {
  server = await startDnsServer();
  resolver.setServers([server.address]);
});
after(() => server.close());

test('a resolver reads both kinds of address from real packets, each question counted', async () => {
  server.script('two.example', (type, count) =>
    type === 'A'
      ? [
          { type: 'A', data: `192.0.2.${count}` },
          { type: 'A', data: '198.51.100.7', ttl: 60 },
        ]
      : [{ type: 'AAAA', data: '2001:db8::102' }],
  );
  assert.deepEqual(await resolver.resolve4('two.example', { ttl: true }), [
    { address: '192.0.2.1', ttl: 0 },
    { address: '198.51.100.7', ttl: 60 },
  ]);
  assert.deepEqual(await resolver.resolve6('two.example'), ['2001:db8::102']);
  assert.deepEqual((await resolver.resolve4('TWO.example')).toSorted(), ['192.0.2.2', '198.51.100.7']);
  assert.deepEqual(server.asked, [
    { name: 'two.example', type: 'A' },
    { name: 'two.example', type: 'AAAA' },
    { name: 'two.example', type: 'A' },
  ]);
});

test('mapped addresses and names that stand for others arrive as they were set', async () => {
  server.script('mapped.example', () => [{ type: 'AAAA', data: '::ffff:127.0.0.1' }]);
  server.script('alias.example', () => [
    { type: 'CNAME', data: 'real.example' },
    { type: 'A', name: 'real.example', data: '10.0.0.5' },
  ]);
  assert.deepEqual(await resolver.resolve6('mapped.example'), ['::ffff:127.0.0.1']);
  assert.deepEqual(await resolver.resolve4('alias.example'), ['10.0.0.5']);
});

test('a name without records, an unknown one, a failing server and a silent one are told apart', async () => {
  server.script('empty.example', () => []);
  server.script('failing.example', () => 'servfail');
  server.script('silent.example', () => 'silence');
  const codes: unknown[] = [];
  for (const name of ['empty.example', 'unknown.example', 'failing.example', 'silent.example'])
    await assert.rejects(
      resolver.resolve4(name),
      (error: NodeJS.ErrnoException) => codes.push(error.code) > 0,
    );
  assert.deepEqual(codes, ['ENODATA', 'ENOTFOUND', 'ESERVFAIL', 'ETIMEOUT']);
});
