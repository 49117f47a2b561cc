import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { repositoryRoot } from '@centra/dev/child.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { Client } from 'pg';
import { request } from 'undici';
import { z } from 'zod';
import { seeded } from '@centra/testkit/seeded.ts';
import { closeLinks, startLinks } from '../stage/links.ts';
import { LINKS } from '../stage/stage.ts';
import { startSimulator } from '../stage/simulators.ts';
import { startStagePostgres, startStageRedis } from '../stage/stores.ts';
import { startWatchdog } from '../stage/watchdog.ts';
import { toTargets } from '../stage/wiring.ts';
import { doingOf } from './do-fault.ts';
import type { Breakable } from './do-fault.ts';
import { FAULT_FAMILIES } from './nemesis.ts';
import type { FaultFamily } from './nemesis.ts';
import { targetsOf } from './planned-fault.ts';
import type { PlannedFault } from './planned-fault.ts';
import { schedule } from './schedule.ts';
import type { Due } from './schedule.ts';

function draw(seed: number, count: number, families: readonly FaultFamily[] = FAULT_FAMILIES): Due[] {
  const faults = schedule(seeded(seed), { families, faultsPerMinute: 8 });
  return Array.from({ length: count }, () => faults.next().value);
}

describe('the schedule', () => {
  test('one seed draws the same faults at the same times, another seed draws others', () => {
    assert.deepEqual(draw(7, 200), draw(7, 200));
    assert.notDeepEqual(draw(7, 200), draw(8, 200));
  });

  test('there are as many as were asked for, and none lasts longer than ten seconds', () => {
    const faults = draw(1, 800);
    const minutes = faults.reduce((sum, { afterMs }) => sum + afterMs, 0) / 60_000;
    assert.ok(Math.abs(faults.length / minutes - 8) < 0.5, `${faults.length / minutes} a minute`);
    for (const { planned } of faults)
      assert.ok(planned.holdMs >= 0 && planned.holdMs <= 10_000, planned.name);
  });

  test('a family brings only its own faults, and all together bring every kind, each link and each replica', () => {
    const kinds = (families: readonly FaultFamily[]): string[] =>
      [...new Set(draw(1, 300, families).map(({ planned }) => planned.kind))].toSorted();
    assert.deepEqual(kinds(['kill']), ['kill']);
    assert.deepEqual(kinds(['pause']), ['pause']);
    assert.deepEqual(kinds(['network']), ['network']);
    assert.deepEqual(kinds(['redis']), ['redis-flush', 'redis-kill']);
    assert.deepEqual(kinds(['postgres']), ['postgres-kill', 'postgres-pause']);
    assert.deepEqual(kinds(['provider', 'vault']), ['simulator']);
    const targets = new Set(draw(1, 3_000).flatMap(({ planned }) => targetsOf(planned)));
    assert.equal(targets.size, LINKS.length + 8 + 4, [...targets].join(', '));
  });
});

describe('done to the real things', () => {
  const folder = temporaryFolder('nemesis');
  const watchdog = startWatchdog();
  let stage: Breakable & { stop(): Promise<void> };
  before(async () => {
    stage = await startBreakable(folder, watchdog);
  });
  after(async () => {
    await stage.stop();
    await watchdog.end();
    rmSync(folder, { recursive: true, force: true });
  });

  test('every switch is one that its simulator knows, and none is left on', async () => {
    const seen = new Set<string>();
    for (const { planned } of draw(3, 400, ['provider', 'vault'])) {
      if (planned.kind !== 'simulator' || seen.has(planned.name)) continue;
      seen.add(planned.name);
      const { begin, undo } = doingOf(planned, stage);
      await begin();
      assert.equal(await countSwitches(planned, stage), 1, planned.name);
      await undo();
      assert.equal(await countSwitches(planned, stage), 0, planned.name);
    }
    // 21 of Stripe's and 14 of the vault's.
    assert.equal(seen.size, 35, [...seen].join(', '));
  });

  test('a link passes again after each of its faults', async () => {
    const link = stage.links['stripe'];
    for (const { planned } of draw(4, 60, ['network'])) {
      if (planned.kind !== 'network') continue;
      const { begin, undo } = doingOf({ ...planned, link: 'stripe' }, stage);
      await begin();
      await undo();
      const { statusCode, body } = await request(`${link.through(stage.stripeUrl)}/_control/faults`, {
        // No connection of before, which a reset may have ended.
        reset: true,
      });
      await body.dump();
      assert.equal(statusCode, 200, planned.name);
    }
  });

  test('a database and a cache that were killed or held answer again', async () => {
    const wanted = draw(5, 40, ['redis', 'postgres']).map(({ planned }) => planned);
    for (const kind of ['redis-flush', 'redis-kill', 'postgres-pause', 'postgres-kill']) {
      const planned = wanted.find((each) => each.kind === kind);
      assert.ok(planned !== undefined, kind);
      const { begin, undo } = doingOf(planned, stage);
      await begin();
      await undo();
      await stage.redis?.flushAll();
      assert.equal(await selectOne(stage.postgres.url), 1, kind);
    }
  });
});

async function startBreakable(
  folder: string,
  watchdog: ReturnType<typeof startWatchdog>,
): Promise<Breakable & { stop(): Promise<void> }> {
  const compileCache = join(repositoryRoot, '.cache', 'compile');
  const common = { env: {}, logFolder: folder, compileCache, watchdog, crashes: [] };
  const [stripe, vaultera, postgres, redis] = await Promise.all([
    startSimulator('stripe', folder, common),
    startSimulator('vaultera', folder, common),
    startStagePostgres({ folder, say: () => {} }, watchdog),
    startStageRedis(watchdog),
  ]);
  const ends = { postgres: postgres.port, stripe: stripe.port, vaultera: vaultera.port };
  const links = await startLinks(
    LINKS,
    toTargets(new Map(), { ...ends, redis: redis?.port ?? postgres.port }),
  );
  return {
    links,
    redis,
    postgres: { ...postgres, databases: {} },
    stripeUrl: stripe.url,
    vaulteraUrl: vaultera.url,
    replica: (name) => assert.fail(`${name} is proven by the stage itself`),
    async stop() {
      await closeLinks(links);
      await Promise.all([stripe.process.close(), vaultera.process.close(), postgres.stop(), redis?.stop()]);
    },
  };
}

async function countSwitches(planned: PlannedFault, { stripeUrl, vaulteraUrl }: Breakable): Promise<number> {
  const url = targetsOf(planned).includes('stripe') ? stripeUrl : vaulteraUrl;
  const { body } = await request(`${url}/_control/faults`);
  const { faults } = z.object({ faults: z.array(z.unknown()) }).parse(await body.json());
  return faults.length;
}

async function selectOne(url: string): Promise<unknown> {
  return await waitFor('the database', async () => {
    const client = new Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query<{ one: number }>('select 1 as one');
      return rows[0]?.one;
    } catch {
      return undefined;
    } finally {
      await client.end().catch(() => {});
    }
  });
}
