import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AppName } from '@centra/dev/plan.ts';
import { request } from 'undici';
import { call, card, charge, onboardHotel, startPlatformUnderTest } from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

const DOCUMENT = join(import.meta.dirname, '..', 'docs', 'observability.md');
const SERVICES: readonly AppName[] = ['api-gateway', 'auth', 'merchant', 'payment-api', 'transaction'];

let platform: PlatformUnderTest;
before(async () => {
  platform = await startPlatformUnderTest();
  const hotel = await onboardHotel(platform);
  const paid = await charge(platform, hotel, { cardToken: await card(platform, hotel) });
  assert.equal(paid.status, 201, paid.text);
  const declined = await charge(platform, hotel, {
    cardToken: await card(platform, hotel, '4000000000000002'),
  });
  assert.equal(declined.status, 402, declined.text);
  await call(platform, 'GET', '/v1/provider-accounts', { apiKey: hotel.apiKey });
  await call(platform, 'GET', '/v1/api-keys', { apiKey: hotel.apiKey });
  await call(platform, 'GET', '/v1/payments', { apiKey: `${hotel.apiKey}wrong` });
});
after(async () => await platform.end());

test('every metric that a service exports is documented with its labels, and every documented one is exported', async () => {
  const documented = readDocument();
  for (const service of SERVICES) {
    const exported = readMetrics(await scrape(service));
    const expected = documented.filter(
      ({ services }) => services.includes('all') || services.includes(service),
    );
    const names = expected.map(({ name }) => name).toSorted();
    assert.deepEqual([...exported.keys()].toSorted(), names, `metrics of ${service}`);
    for (const { name, labels } of expected)
      for (const label of exported.get(name) ?? [])
        assert.ok(labels.includes(label), `${name} has the label ${label}, which is not documented`);
  }
});

test('every service tells rate, errors and duration of what it answers and of what it asks for', async () => {
  const answered: Readonly<Record<AppName, RegExp>> = {
    'api-gateway': /route="\/v1\/charge",.*status="402"|status="402".*route="\/v1\/charge"/,
    auth: /route="ValidateApiKey"/,
    merchant: /route="GetProviderAccount"|route="ResolveProviderAccount"/,
    'payment-api': /route="\/v1\/charge"/,
    transaction: /route="Sale"/,
  };
  const asked: readonly (readonly [AppName, RegExp])[] = [
    ['api-gateway', /target="auth",method="ValidateApiKey"/],
    ['api-gateway', /target="payment-api",method="POST"/],
    ['payment-api', /target="transaction",method="Sale",status="OK"/],
    ['transaction', /target="merchant"/],
    ['transaction', /target="stripe",method="sale",status="declined"/],
    ['merchant', /target="transaction",method="CheckProviderCredentials"/],
  ];
  for (const service of SERVICES)
    assert.match(samples(await scrape(service), 'centra_request_duration_seconds_count'), answered[service]);
  for (const [service, pattern] of asked)
    assert.match(samples(await scrape(service), 'centra_client_duration_seconds_count'), pattern, service);
});

test('what happened to the business is counted', async () => {
  const transaction = await scrape('transaction');
  for (const outcome of ['succeeded', 'declined'])
    assert.match(
      transaction,
      new RegExp(
        `centra_provider_outcomes_total\\{provider="stripe",kind="sale",outcome="${outcome}",.*\\} 1\\n`,
      ),
    );
  assert.match(
    await scrape('merchant'),
    /centra_merchant_connection_tests_total\{provider="stripe",result="ok"/,
  );
  const gateway = await scrape('api-gateway');
  assert.match(gateway, /centra_gateway_credentials_total\{kind="api_key",outcome="accepted"/);
  assert.match(gateway, /centra_gateway_credentials_total\{kind="api_key",outcome="refused"/);
});

async function scrape(service: AppName): Promise<string> {
  const { statusCode, body } = await request(`${platform.opsUrls[service]}/metrics`);
  const text = await body.text();
  assert.equal(statusCode, 200, text);
  return text;
}

function samples(text: string, name: string): string {
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .join('\n');
}

/** Name of each metric of ours, with every label that any of its samples has. */
function readMetrics(text: string): Map<string, Set<string>> {
  const metrics = new Map<string, Set<string>>();
  for (const [, name = ''] of text.matchAll(/^# TYPE (centra_\w+) /gm)) {
    const labels = new Set<string>();
    const own = new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{(.*)\\} `, 'gm');
    for (const [, list = ''] of text.matchAll(own))
      for (const [, label = ''] of list.matchAll(/(\w+)="/g))
        if (label !== 'service' && label !== 'le') labels.add(label);
    metrics.set(name, labels);
  }
  return metrics;
}

type Documented = { name: string; services: string[]; labels: string[] };

/** The rows `| metric | service | labels | … |` of the document. */
function readDocument(): Documented[] {
  const rows = [...readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `(centra_\w+)` \| ([^|]*)\|([^|]*)\|/gm)];
  assert.ok(rows.length > 10, 'the table is found');
  return rows.map(([, name = '', services = '', labels = '']) => ({
    name,
    services: services.split(',').map((word) => word.trim()),
    // What stands in brackets are values.
    labels: labels
      .replaceAll(/\([^)]*\)/g, '')
      .split(',')
      .map((word) => word.trim()),
  }));
}
