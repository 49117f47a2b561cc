import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOrm } from '@centra/service-kit/orm.ts';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import { entities } from './entities.ts';
import { migrate, migrationsFolder } from './migrate.ts';

test('migrating again applies nothing, and the entities say what the migrations made', async () => {
  const database = await createTestDatabase({ service: 'payment-api', migrationsFolder, migrate });
  try {
    assert.deepEqual(await migrate(database.url), []);
    const orm = await createOrm({ url: database.url, entities, max: 1, applicationName: 'schema check' });
    try {
      const difference = await orm.schema.getUpdateSchemaSQL({ safe: false });
      assert.doesNotMatch(difference, /\b(?:create|alter|drop)\b/i);
      assert.match(await orm.schema.getCreateSchemaSQL(), /create table "replies"/);
    } finally {
      await orm.close(true);
    }
  } finally {
    await database.drop();
  }
});
