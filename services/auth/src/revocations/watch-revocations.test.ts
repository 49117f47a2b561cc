import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import type { RevocationEvent } from '@centra/proto/centra/auth/v1/auth.ts';
import { createAuthenticator } from '@centra/service-kit/authenticator.ts';
import { callMetadata } from '@centra/service-kit/grpc.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { startFaultProxy, targetOf } from '@centra/testkit/fault-proxy.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import type { Auth } from '../service.ts';
import { asCaller, createFirstKey, startTestAuth } from '../test-service.ts';
import type { FirstKey, TestAuth } from '../test-service.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

type Watcher = {
  events: NonNullable<RevocationEvent['event']>[];
  /** Resolves with the first event. */
  heard: Promise<true>;
  /** The status that ended the stream. */
  ended: Promise<ServiceError>;
  cancel(): void;
};

function watch(replica: Auth, caller = 'api-gateway'): Watcher {
  const stream: ClientReadableStream<RevocationEvent> = service
    .client(caller, replica)
    .watchRevocations({}, callMetadata('req-watch'));
  const events: Watcher['events'] = [];
  stream.on('data', ({ event }: RevocationEvent) => {
    if (event !== undefined) events.push(event);
  });
  const heard = new Promise<true>((resolve) => stream.once('data', () => resolve(true)));
  const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve));
  return { events, heard, ended, cancel: () => stream.cancel() };
}

/** A watcher that is being served: a replica that has just started may still be connecting to its database. */
async function watchUntilHeard(replica: Auth): Promise<Watcher> {
  return await waitFor('a heartbeat', async () => {
    const watcher = watch(replica);
    return (await Promise.race([watcher.heard, watcher.ended])) === true ? watcher : undefined;
  });
}

/** The status that ended the stream; fails when it does not end. */
async function endOf(watcher: Watcher): Promise<ServiceError> {
  let end: ServiceError | undefined;
  void watcher.ended.then((error) => (end = error));
  return await waitFor('the end of the stream', async () => end);
}

const revoke = async (key: FirstKey): Promise<void> => {
  await asCaller(service, { merchantId: key.merchantId }).delete(`/v1/api-keys/${key.id}`).expect(200);
};
const revoked = (watcher: Watcher): string[] =>
  watcher.events.flatMap((event) => (event.$case === 'revokedApiKeyId' ? [event.value] : []));
const heartbeats = (watcher: Watcher): number =>
  watcher.events.filter((event) => event.$case === 'heartbeat').length;

test('a revocation reaches the watchers of every replica, once each', async () => {
  const other = await service.startReplica();
  const watchers = [await watchUntilHeard(service.auth), await watchUntilHeard(other)];
  const keys = [await createFirstKey(service), await createFirstKey(service)];
  for (const key of keys) await revoke(key);
  for (const watcher of watchers) {
    await waitFor('both revocations', async () => (revoked(watcher).length >= 2 ? true : undefined), 5_000);
    const heard = heartbeats(watcher);
    await waitFor('a later heartbeat', async () => (heartbeats(watcher) > heard ? true : undefined));
    assert.deepEqual(
      revoked(watcher),
      keys.map((key) => key.id),
    );
    watcher.cancel();
  }
});

test('a revocation that is rolled back is not told', async () => {
  const watcher = await watchUntilHeard(service.auth);
  await service.sql('begin');
  await service.sql(`select pg_notify('revocations', '{"kind":"api_key","apiKeyId":"key_rolled_back"}')`);
  await service.sql('rollback');
  await service.sql(`select pg_notify('revocations', '{"kind":"api_key","apiKeyId":"key_committed"}')`);
  await waitFor('the committed one', async () => (revoked(watcher).length > 0 ? true : undefined));
  assert.deepEqual(revoked(watcher), ['key_committed']);
  watcher.cancel();
});

test('a caller that had the key cached refuses it within 5 s of its revocation at another replica', async () => {
  const other = await service.startReplica();
  const log = createLog('gateway', 'silent');
  const authenticator = createAuthenticator({ client: service.client('api-gateway', other), log });
  try {
    const key = await createFirstKey(service);
    const address = '203.0.113.7';
    const { identity } = await authenticator.authenticate(key.secret, { requestId: 'req-before', address });
    assert.deepEqual([identity?.merchantId, identity?.actor], [key.merchantId, `api_key:${key.id}`]);
    await revoke(key);
    const refused = async (): Promise<true | undefined> =>
      await authenticator.authenticate(key.secret, { requestId: 'req-after', address }).then(
        () => undefined,
        (error: { code: string }) => (error.code === 'unauthenticated' ? true : undefined),
      );
    await waitFor('the refusal', refused, 5_000);
  } finally {
    authenticator.close();
  }
});

const killListener = (): Promise<unknown> =>
  service.sql(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'auth-revocations' and datname = current_database()`,
  );

describe('when revocations are not heard', () => {
  test('a killed LISTEN connection ends every stream; a new stream hears what is revoked from then on', async () => {
    const watchers = [await watchUntilHeard(service.auth), await watchUntilHeard(service.auth)];
    await killListener();
    for (const watcher of watchers) assert.equal((await endOf(watcher)).code, grpcStatus.UNAVAILABLE);
    const again = await watchUntilHeard(service.auth);
    const key = await createFirstKey(service);
    await revoke(key);
    await waitFor('the revocation', async () => (revoked(again).includes(key.id) ? true : undefined));
    again.cancel();
  });

  test('a LISTEN connection that falls silent stops the heartbeats, ends the streams and is replaced', async () => {
    const proxy = await startFaultProxy({ targets: [targetOf(service.config.databaseUrl)] });
    const replica = await service.startReplica(
      {},
      { databaseUrl: proxy.through(service.config.databaseUrl) },
    );
    const watcher = await watchUntilHeard(replica);
    proxy.set({ kind: 'half-open' });
    const heard = heartbeats(watcher);
    assert.equal((await endOf(watcher)).code, grpcStatus.UNAVAILABLE);
    assert.ok(heartbeats(watcher) - heard <= 1, 'at most the one already on its way');
    assert.equal((await endOf(watch(replica))).code, grpcStatus.UNAVAILABLE);
    assert.equal((await fetch(`http://127.0.0.1:${replica.opsPort}/ready`)).status, 503);
    proxy.clear();
    const again = await watchUntilHeard(replica);
    again.cancel();
    await replica.close();
    await proxy.close();
  });

  test('a stopping replica sends its watchers away at once', async () => {
    const replica = await service.startReplica();
    const watcher = await watchUntilHeard(replica);
    await replica.close();
    assert.equal((await endOf(watcher)).code, grpcStatus.UNAVAILABLE);
  });
});

test('only the gateway and payment-api may watch, and a cancelled watch is forgotten', async () => {
  for (const caller of ['merchant', 'transaction', 'operator', 'auth'])
    assert.equal((await endOf(watch(service.auth, caller))).code, grpcStatus.PERMISSION_DENIED, caller);
  const metrics = async (): Promise<string> =>
    await (await fetch(`http://127.0.0.1:${service.auth.opsPort}/metrics`)).text();
  const watcher = await watchUntilHeard(service.auth);
  assert.match(await metrics(), /centra_auth_revocation_watchers\{[^}]*\} [1-9]/);
  watcher.cancel();
  await waitFor('the watcher to be forgotten', async () =>
    /centra_auth_revocation_watchers\{[^}]*\} 0/.test(await metrics()) ? true : undefined,
  );
});
