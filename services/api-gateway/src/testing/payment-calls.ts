import assert from 'node:assert/strict';
import { waitFor } from '@centra/testkit/pause.ts';
import type { TestGateway } from './gateway-under-test.ts';
import { bearer, call, jsonPost } from './http-call.ts';
import type { Answer } from './http-call.ts';

export async function charge(gateway: TestGateway, secret: string): Promise<Answer> {
  return await call(`${gateway.url}/v1/charge`, jsonPost(secret, {}));
}

export async function read(gateway: TestGateway, secret: string): Promise<Answer> {
  return await call(`${gateway.url}/v1/payments`, { headers: bearer(secret) });
}

/** Charges all at once; each is answered by the service or refused by a limit, nothing else. */
export async function burst(gateway: TestGateway, secret: string, size: number): Promise<Answer[]> {
  const answers = await Promise.all(Array.from({ length: size }, () => charge(gateway, secret)));
  for (const { status } of answers) assert.ok(status === 200 || status === 429, `status ${status}`);
  return answers;
}

export function count(answers: readonly Answer[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}

/** The value of the first metric whose line begins so; 0 when there is none. */
export async function metric(gateway: TestGateway, start: string): Promise<number> {
  const { text } = await call(`${gateway.opsUrl}/metrics`);
  const line = text.split('\n').find((each) => each.startsWith(start));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** Waits until limits are counted in Redis. */
export async function waitUntilShared(gateway: TestGateway, secret: string): Promise<void> {
  await waitFor('limits to be shared', async () => {
    await read(gateway, secret);
    return (await call(`${gateway.opsUrl}/health`)).json['limits'] === 'shared' ? true : undefined;
  });
}

export function assertUnavailable(answer: Answer): void {
  assert.equal(answer.status, 503);
  assert.equal(answer.json['code'], 'unavailable');
  assert.ok(Number(answer.headers['retry-after']) >= 1);
}

/** 503 would promise that nothing was done. */
export function assertUnknown(answer: Answer): void {
  assert.equal(answer.status, 500);
  assert.equal(answer.json['code'], 'internal');
  assert.match(String(answer.json['detail']), /same Idempotency-Key/);
}
