import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { startSimulator } from './simulator.ts';
import { ask, prepareApplication } from './testing/prepare-application.ts';

const schema = z.object({ ciphertext: z.string().optional(), plaintext: z.string().optional() });

test('with a folder its keys and roles are there after a restart, in a file of its owner only', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'centra-vault-'));
  const first = await startSimulator({ dataDir });
  const before = await prepareApplication(first);
  const plaintext = Buffer.from('kept').toString('base64');
  const sealed = schema.parse(await ask(first, 'POST', 'transit/encrypt/hotel-keys', { plaintext }, [200]));
  await first.close();
  assert.equal(statSync(join(dataDir, 'vault.json')).mode & 0o777, 0o600);
  const second = await startSimulator({ dataDir });
  t.after(async () => {
    await first.close();
    await second.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  assert.equal((await prepareApplication(second)).roleId, before.roleId);
  const { ciphertext } = sealed;
  const opened = schema.parse(await ask(second, 'POST', 'transit/decrypt/hotel-keys', { ciphertext }, [200]));
  assert.equal(opened.plaintext, plaintext);
});
