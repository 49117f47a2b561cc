import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startSimulator as startPaypal } from '@centra/simulator-paypal/simulator.ts';
import { startSimulator as startPayzone } from '@centra/simulator-payzone/simulator.ts';
import { startSimulator as startTempo } from '@centra/simulator-tempo/simulator.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import type { Config } from '../config.ts';
import { send } from '../testing/simulators.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';
import { createProviders } from './choose-provider.ts';
import type { Providers } from './choose-provider.ts';
import type { CredentialResult } from './provider.ts';

const NAMES = ['stripe', 'vaultera', 'paypal', 'payzone', 'cmi', 'tempo'] as const;
type Name = (typeof NAMES)[number];
type Credentials = Readonly<Record<string, string>>;

let world: World;
let folder: string;
let simulators: Record<'paypal' | 'payzone' | 'tempo', { url: string; close(): Promise<void> }>;
let providers: Providers;
/** One server that answers every provider's calls as the test says. */
let bad: Server;
let badUrl: string;
let answerBadly: (request: IncomingMessage, response: ServerResponse) => void = () => {};

const log = createLog('test', 'silent');

before(async () => {
  world = await startWorld();
  folder = temporaryFolder('connection');
  const [paypal, payzone, tempo] = await Promise.all([
    startPaypal({ dataDir: join(folder, 'paypal') }),
    startPayzone({ dataDir: join(folder, 'payzone') }),
    startTempo({ dataDir: join(folder, 'tempo') }),
  ]);
  simulators = { paypal, payzone, tempo };
  providers = createProviders(world.config({ checkUrls: urlsOfSimulators() }), log);
  bad = createServer((request, response) => answerBadly(request, response)).listen(0, '127.0.0.1');
  await once(bad, 'listening');
  const address = bad.address();
  badUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
after(async () => {
  bad.closeAllConnections();
  bad.close();
  await providers.close();
  await Promise.all(Object.values(simulators).map(async (simulator) => await simulator.close()));
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

function urlsOfSimulators(): Config['checkUrls'] {
  const { paypal, payzone, tempo } = simulators;
  return {
    paypal: { test: `${paypal.url}/sandbox`, live: `${paypal.url}/live` },
    payzone: { test: `${payzone.url}/sandbox`, live: `${payzone.url}/live` },
    cmi: { test: `${payzone.url}/cmi-test`, live: `${payzone.url}/cmi-live` },
    tempo: { test: `${tempo.url}/testnet`, live: `${tempo.url}/mainnet` },
  };
}

const check = async (
  name: Name,
  credentials: Credentials,
  mode: 'test' | 'live' = 'test',
  by: Providers = providers,
): Promise<CredentialResult> => await by.checkCredentials(name, mode, new Map(Object.entries(credentials)));

const control = async (simulator: keyof typeof simulators, path: string, body: unknown): Promise<unknown> =>
  await send('POST', `${simulators[simulator].url}/_control${path}`, body);

const key = (): string => `A${randomBytes(39).toString('hex')}`;
const ALPHA_USD = '0x20c0000000000000000000000000000000000001';
const WALLET = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';

/** Credentials that work, of an account of their own. */
const WORKING: Record<Name, (state?: string) => Promise<Credentials>> = {
  stripe: async () => ({ secret_key: (await world.stripeHotel()).secretKey }),
  vaultera: async () => ({ api_key: (await world.vaultera.account()).apiKey }),
  async paypal(state = 'valid') {
    const credentials = { client_id: key(), client_secret: key() };
    await control('paypal', '/accounts', { name: 'Riad Test', ...credentials, state });
    return credentials;
  },
  async payzone(state = 'valid') {
    const credentials = {
      merchant_account: `riad_${randomUUID().slice(0, 8)}`,
      caller_name: 'riad_api',
      caller_password: randomBytes(12).toString('hex'),
    };
    await control('payzone', '/accounts', { provider: 'payzone', ...credentials, state });
    return { ...credentials, paywall_secret_key: 'paywall-secret', notification_key: 'notification' };
  },
  async cmi(state = 'valid') {
    const credentials = {
      client_id: `6${String(randomBytes(4).readUInt32BE()).padStart(10, '0')}`,
      api_user: 'riad_api',
      // Signs that mean something in XML must arrive as they are.
      api_password: `<&>'"${randomBytes(6).toString('hex')}`,
    };
    await control('payzone', '/accounts', { provider: 'cmi', ...credentials, state });
    return { ...credentials, store_key: 'store-key-1234' };
  },
  tempo: async () => ({ receiving_address: WALLET, token: ALPHA_USD }),
};

const revoked = (name: Name) => async () => await check(name, await WORKING[name]('revoked'));
const changed = (name: Name, change: Credentials) => async () =>
  await check(name, { ...(await WORKING[name]()), ...change });
const otherMode = (name: Name) => async () => await check(name, await WORKING[name](), 'live');

describe('the provider is really asked', () => {
  type Case = [name: Name, what: string, ask: () => Promise<CredentialResult>, result: string, box: RegExp];
  const cases: Case[] = [
    ...NAMES.map((name): Case => [
      name,
      'credentials that work',
      async () => await check(name, await WORKING[name]()),
      'ok',
      /accepts|knows/,
    ]),
    [
      'stripe',
      'another key',
      changed('stripe', { secret_key: 'sk_test_nobody0000' }),
      'rejected',
      /API keys/,
    ],
    ['stripe', 'a key of the other mode', otherMode('stripe'), 'wrong_mode', /test key/],
    ['vaultera', 'another key', changed('vaultera', { api_key: '0'.repeat(32) }), 'rejected', /API key/],
    [
      'paypal',
      'another secret',
      changed('paypal', { client_secret: key() }),
      'rejected',
      /Secret.*Sandbox tab/,
    ],
    ['paypal', 'a revoked app', revoked('paypal'), 'rejected', /Client ID/],
    ['paypal', 'an app of the other mode', otherMode('paypal'), 'rejected', /Live tab/],
    [
      'paypal',
      'an app without the scopes of payments',
      async () => await check('paypal', await WORKING.paypal('insufficient')),
      'insufficient',
      /features/,
    ],
    [
      'paypal',
      'an account that PayPal restricted',
      async () => await check('paypal', await WORKING.paypal('restricted')),
      'insufficient',
      /confirmed/,
    ],
    [
      'payzone',
      'another password',
      changed('payzone', { caller_password: 'x'.repeat(12) }),
      'rejected',
      /API caller/,
    ],
    ['payzone', 'another caller', changed('payzone', { caller_name: 'nobody' }), 'rejected', /API caller/],
    [
      'payzone',
      'another account',
      changed('payzone', { merchant_account: 'nobody' }),
      'rejected',
      /Merchant account/,
    ],
    ['payzone', 'a revoked account', revoked('payzone'), 'rejected', /letter/],
    ['payzone', 'an account of the other mode', otherMode('payzone'), 'rejected', /live platform/],
    ['cmi', 'another password', changed('cmi', { api_password: 'nobody' }), 'rejected', /API password/],
    ['cmi', 'another number', changed('cmi', { client_id: '600000999' }), 'rejected', /Client ID/],
    ['cmi', 'a revoked user', revoked('cmi'), 'rejected', /role API/],
    ['cmi', 'a number of the other mode', otherMode('cmi'), 'rejected', /production/],
    [
      'tempo',
      'the zero address',
      changed('tempo', { receiving_address: `0x${'0'.repeat(40)}` }),
      'rejected',
      /Receiving address/,
    ],
    [
      'tempo',
      'a token as address',
      changed('tempo', { receiving_address: ALPHA_USD }),
      'rejected',
      /Receiving address/,
    ],
    ['tempo', 'a token of the other network', otherMode('tempo'), 'rejected', /Token/],
    ['tempo', 'a wallet as token', changed('tempo', { token: WALLET }), 'rejected', /Token/],
  ];
  for (const [name, what, ask, result, box] of cases)
    test(`${name}: ${what} → ${result}, in words that name the box`, async () => {
      const answer = await ask();
      assert.equal(answer.result, result, answer.message);
      assert.match(answer.message, box);
    });

  test('tempo: a token whose transfers are paused → insufficient; one in another currency → rejected', async () => {
    const [paused, euro] = [
      '0x20c0000000000000000000000000000000000aaa',
      '0x20c0000000000000000000000000000000000bbb',
    ];
    await control('tempo', '/accounts', { address: paused, symbol: 'P', state: 'insufficient' });
    await control('tempo', '/accounts', { address: euro, symbol: 'E', currency: 'EUR' });
    assert.equal((await check('tempo', { receiving_address: WALLET, token: paused })).result, 'insufficient');
    assert.equal((await check('tempo', { receiving_address: WALLET, token: euro })).result, 'rejected');
  });
});

type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => void;
const MISBEHAVIOURS: Record<string, Misbehaviour> = {
  'an error of the server': (_request, response) => response.writeHead(500).end('{"error":"boom"}'),
  'too many requests': (_request, response) => response.writeHead(429, { 'retry-after': '1' }).end('{}'),
  'a page in the way': (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Maintenance</html>'),
  'a page that is not there': (_request, response) =>
    response.writeHead(404, { 'content-type': 'text/html' }).end('<html>Not Found</html>'),
  'an empty answer': (_request, response) => response.writeHead(200).end(),
  'a cut connection': (request) => request.socket.destroy(),
  'half an answer': (request, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('{"scope":"');
    setTimeout(() => request.socket.destroy(), 20);
  },
  'no answer at all': () => {},
};

describe('what hinders an answer says nothing about the credentials', () => {
  let impatient: Providers;
  before(() => {
    const both = { test: badUrl, live: badUrl };
    const checkUrls = { paypal: both, payzone: both, cmi: both, tempo: both };
    const urls = { checkUrls, stripeApiUrl: badUrl, vaulteraBaseUrl: badUrl };
    impatient = createProviders(world.config({ ...urls, providerTimeoutMs: 1_500 }), log);
  });
  after(async () => await impatient.close());

  for (const name of NAMES)
    for (const [what, misbehave] of Object.entries(MISBEHAVIOURS))
      test(`${name}: ${what} → unreachable`, async () => {
        const credentials = await WORKING[name]();
        let asked = 0;
        answerBadly = (request, response) => {
          asked += 1;
          misbehave(request, response);
        };
        const answer = await check(name, credentials, 'test', impatient);
        assert.equal(answer.result, 'unreachable', answer.message);
        assert.ok(asked > 0, 'nobody was asked');
      });

  for (const name of NAMES) {
    test(`${name}: a redirect is not followed, wherever it points`, async () => {
      const paths: string[] = [];
      answerBadly = (request, response) => {
        paths.push(request.url ?? '');
        response.writeHead(307, { location: `${badUrl}/elsewhere` }).end();
      };
      const answer = await check(name, await WORKING[name](), 'test', impatient);
      assert.equal(answer.result, 'unreachable');
      assert.ok(paths.length > 0 && !paths.includes('/elsewhere'), paths.join());
    });
  }

  for (const name of ['paypal', 'payzone', 'cmi', 'tempo'] as const) {
    test(`${name}: an answer without end is not read to its end`, async () => {
      let written = 0;
      answerBadly = (request, response) => {
        response.writeHead(200);
        const chunk = Buffer.alloc(16_384, 0x20);
        const pour = setInterval(() => {
          written += chunk.length;
          response.write(chunk);
        }, 1);
        request.socket.on('close', () => clearInterval(pour));
      };
      const answer = await check(name, await WORKING[name](), 'test', impatient);
      assert.equal(answer.result, 'unreachable');
      assert.ok(written < 16 * 1024 * 1024, String(written));
    });
  }

  test('tempo: a node of another network is no place to ask', async () => {
    const { tempo } = simulators;
    const swapped = {
      ...urlsOfSimulators(),
      tempo: { test: `${tempo.url}/mainnet`, live: `${tempo.url}/testnet` },
    };
    const other = createProviders(world.config({ checkUrls: swapped }), log);
    try {
      assert.equal((await check('tempo', await WORKING.tempo(), 'test', other)).result, 'unreachable');
    } finally {
      await other.close();
    }
  });
});

test('no message repeats a credential or what the provider wrote', async () => {
  const canary = `canary${randomBytes(20).toString('hex')}`;
  answerBadly = (_request, response) =>
    response.writeHead(401).end(JSON.stringify({ error: canary, status: canary }));
  const both = { test: badUrl, live: badUrl };
  const checkUrls = { paypal: both, payzone: both, cmi: both, tempo: both };
  const refusing = createProviders(world.config({ checkUrls }), log);
  try {
    for (const name of ['paypal', 'payzone', 'cmi'] as const) {
      const credentials = await WORKING[name]();
      const { result, message, accountName } = await check(name, credentials, 'test', refusing);
      assert.equal(result, 'rejected');
      for (const text of [canary, ...Object.values(credentials)])
        assert.ok(!`${message}${accountName}`.includes(text), name);
    }
  } finally {
    await refusing.close();
  }
});
