import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hasNatsServer, startNatsServer } from './nats-server.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder('nats');
after(() => rmSync(folder, { recursive: true, force: true }));

test(
  'a started NATS speaks JetStream from a folder of its own, and is gone after its end',
  { skip: !hasNatsServer() },
  async () => {
    const server = await startNatsServer({ storeDir: join(folder, 'store') });
    try {
      const socket = connect({ port: server.port, host: '127.0.0.1' });
      const [greeting] = await once(socket, 'data');
      socket.destroy();
      assert.match(String(greeting), /"jetstream":\s*true/);
      assert.ok(existsSync(join(folder, 'store')));
    } finally {
      await server.stop();
    }
    assert.ok(!existsSync(`/proc/${server.pid}`));
  },
);
