import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startDnsServer } from '@centra/testkit/dns-server.ts';
import type { DnsAnswer, DnsRecord, DnsServer, DnsType } from '@centra/testkit/dns-server.ts';
import { createGuardedAgent } from './guarded-agent.ts';
import type { AgentOptions, Blocked, GuardedAgent } from './guarded-agent.ts';
import type { Dial } from './pinned-connection.ts';
import { HOST, PUBLIC_ADDRESS, standIn, startReceiver } from './test-internet.ts';
import type { Dialled, Receiver } from './test-internet.ts';

// Real packets of a name server of ours, read by Node's own resolver: nothing here pretends to be the guard's input.
let dns: DnsServer;
let receiver: Receiver;
let dialled: Dialled;
let blocked: Blocked[];
before(async () => {
  dns = await startDnsServer();
  receiver = await startReceiver(undefined, { certificate: { hosts: [HOST, FLIPPING] } });
});
after(async () => {
  await receiver.close();
  await dns.close();
});
beforeEach(() => {
  blocked = [];
});

const FLIPPING = 'flipping.hotel.example';
const URL_OF_HOTEL = `https://${HOST}/hooks`;
const CALL = { headers: { 'content-type': 'application/json' }, body: '{}' };
const a = (data: string, ttl = 0): DnsRecord => ({ type: 'A', data, ttl });
const aaaa = (data: string): DnsRecord => ({ type: 'AAAA', data });

function noteBlocked(why: Blocked): void {
  blocked.push(why);
}

function agent(options: AgentOptions = {}): GuardedAgent {
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([dns.address]);
  const internet = standIn(receiver);
  dialled = internet.dialled;
  return createGuardedAgent({
    resolver,
    ca: receiver.ca,
    dial: internet.dial,
    onBlocked: noteBlocked,
    ...options,
  });
}

const only =
  (...records: DnsRecord[]) =>
  (type: DnsType): DnsAnswer =>
    records.filter((record) => record.type === type || record.type === 'CNAME');

test('the receiver can be reached, or that nothing reached it would prove nothing', async () => {
  dns.script(HOST, only(a(PUBLIC_ADDRESS)));
  const acceptedBefore = receiver.accepted();
  assert.deepEqual(await agent().post(URL_OF_HOTEL, CALL), { result: 'delivered', status: 200 });
  assert.equal(receiver.accepted(), acceptedBefore + 1);
  const { dial } = standIn(receiver);
  const socket = dial({ host: '127.0.0.1', port: 443 });
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.destroy();
  assert.equal(
    receiver.accepted(),
    acceptedBefore + 2,
    'a call to 127.0.0.1 would have been accepted and counted',
  );
});

test('public at save, private at send: blocked at each attempt, and no connection is made', async () => {
  let inside = false;
  dns.script(HOST, only(a(PUBLIC_ADDRESS)));
  const guarded = agent();
  assert.deepEqual(await guarded.checkUrl(URL_OF_HOTEL), { result: 'allowed', url: URL_OF_HOTEL });
  dns.script(HOST, (type) => only(a(inside ? '10.0.0.7' : '127.0.0.1', 300))(type));
  const acceptedBefore = receiver.accepted();
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    assert.deepEqual(await guarded.post(URL_OF_HOTEL, CALL), { result: 'not_allowed' }, `attempt ${attempt}`);
    inside = !inside;
  }
  assert.deepEqual(
    [receiver.accepted(), dialled, blocked],
    [acceptedBefore, [], Array(3).fill('forbidden_resolution')],
  );
  dns.script(HOST, only(a(PUBLIC_ADDRESS)));
  assert.deepEqual(await guarded.post(URL_OF_HOTEL, CALL), { result: 'delivered', status: 200 });
});

test('an answer that changes from question to question: the address that was checked is the one that is called', async () => {
  dns.script(FLIPPING, (type, count) => only(a(count % 2 === 1 ? PUBLIC_ADDRESS : '127.0.0.1'))(type));
  const guarded = agent();
  const url = `https://${FLIPPING}/`;
  assert.deepEqual(await guarded.post(url, CALL), { result: 'delivered', status: 200 });
  const questions = dns.asked.filter(({ name, type }) => name === FLIPPING && type === 'A');
  assert.equal(questions.length, 1, 'the name is asked once a call');
  assert.deepEqual(dialled, [{ host: PUBLIC_ADDRESS, port: 443 }]);
  assert.deepEqual(await guarded.post(url, CALL), { result: 'not_allowed' });
});

test('a socket that ends up elsewhere than at the checked address is closed acceptedBefore a byte is sent', async () => {
  dns.script(HOST, only(a(PUBLIC_ADDRESS)));
  const bytes = receiver.bytesRead();
  // As if the network itself led the public address to this machine.
  const dial: Dial = () => connect({ host: '127.0.0.1', port: receiver.port });
  assert.deepEqual(await agent({ dial }).post(URL_OF_HOTEL, CALL), { result: 'not_allowed' });
  assert.deepEqual(blocked, ['strayed']);
  assert.equal(receiver.bytesRead(), bytes);
});

describe('answers that lead inside, at save and at send', () => {
  const cases: [string, DnsRecord[]][] = [
    ['one public and one private address', [a(PUBLIC_ADDRESS), a('192.168.1.1')]],
    ['the private one first', [a('10.0.0.1'), a(PUBLIC_ADDRESS)]],
    ['public IPv4 and private IPv6', [a(PUBLIC_ADDRESS), aaaa('fd00::1')]],
    [
      'another name that is inside',
      [
        { type: 'CNAME', data: 'db.corp.example' },
        { type: 'A', name: 'db.corp.example', data: '10.1.2.3' },
      ],
    ],
    ['127.0.0.1 inside an IPv6 address', [aaaa('::ffff:127.0.0.1')]],
    ['127.0.0.1 through NAT64', [aaaa('64:ff9b::7f00:1')]],
    ['127.0.0.1 through 6to4', [aaaa('2002:7f00:1::1')]],
    ['the loopback of IPv6', [aaaa('::1')]],
    ['the metadata service', [a('169.254.169.254')]],
    ['this host', [a('0.0.0.0')]],
  ];
  for (const [what, records] of cases)
    test(what, async () => {
      dns.script(HOST, only(...records));
      const guarded = agent();
      const acceptedBefore = receiver.accepted();
      assert.deepEqual(await guarded.checkUrl(URL_OF_HOTEL), { result: 'not_allowed' });
      assert.deepEqual(await guarded.post(URL_OF_HOTEL, CALL), { result: 'not_allowed' });
      assert.deepEqual(blocked, ['forbidden_resolution', 'forbidden_resolution']);
      assert.deepEqual([receiver.accepted(), dialled], [acceptedBefore, []]);
    });
});

test('name, address and port refused, and a name that is not there: one outcome, in the same step of time', async () => {
  dns.script('inside.hotel.example', only(a('10.0.0.1')));
  const guarded = agent();
  const urls = [
    'https://inside.hotel.example/',
    'https://nowhere.hotel.example/',
    'https://10.0.0.1/',
    'https://10.0.0.1:6379/',
    `https://${HOST}:22/`,
    'https://postgres/',
    'http://127.0.0.1/',
    'nonsense',
  ];
  for (const url of urls)
    for (const ask of [() => guarded.post(url, CALL), () => guarded.checkUrl(url)]) {
      const startedAt = performance.now();
      assert.equal(JSON.stringify(await ask()), '{"result":"not_allowed"}', url);
      // Timers may fire a millisecond early.
      assert.ok(performance.now() - startedAt >= 248, `${url} was refused at once`);
    }
});

test('a name server that does not answer, or fails: unavailable at save, failed at send', async () => {
  for (const answer of ['silence', 'servfail'] as const) {
    dns.script(HOST, () => answer);
    assert.deepEqual(await agent().checkUrl(URL_OF_HOTEL), { result: 'unavailable' });
    const outcome = await agent().post(URL_OF_HOTEL, CALL);
    assert.deepEqual(outcome, { result: 'failed', reason: 'connection' });
  }
  assert.deepEqual(blocked, []);
});

test('one family without an answer: the addresses of the other count', async () => {
  dns.script(HOST, (type) => (type === 'A' ? [a(PUBLIC_ADDRESS)] : 'servfail'));
  assert.deepEqual(await agent().post(URL_OF_HOTEL, CALL), { result: 'delivered', status: 200 });
  dns.script(HOST, (type) => (type === 'A' ? 'servfail' : [aaaa('::1')]));
  assert.deepEqual(await agent().post(URL_OF_HOTEL, CALL), { result: 'not_allowed' });
});
