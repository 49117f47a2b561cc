import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { request } from 'undici';
import { REPLICAS } from '../stage/stage.ts';
import type { Stage } from '../stage/stage.ts';

// What cannot be scanned once the stage is gone is written down first: into this folder of the run.
export const EVIDENCE = 'evidence';

// Of a loopback call that computes nothing.
const TIMEOUT_MS = 10_000;

/** The environment of every process of ours, its metrics page, and all that Redis holds. Answers how much there was of each. */
export async function gatherEvidence(
  stage: Stage,
  folder: string,
): Promise<{ environments: number; metrics: number; redisKeys: number }> {
  const evidence = join(folder, EVIDENCE);
  mkdirSync(evidence, { recursive: true });
  let [environments, metrics] = [0, 0];
  for (const name of REPLICAS) {
    const environment = readFileSync(`/proc/${stage.replica(name).pid()}/environ`);
    if (environment.length > 0) environments += 1;
    writeFileSync(join(evidence, `environ-${name}`), environment);
    const page = await metricsOf(environment);
    if (page.includes('# TYPE ')) metrics += 1;
    writeFileSync(join(evidence, `metrics-${name}`), page);
  }
  return { environments, metrics, redisKeys: await dumpRedis(stage, join(evidence, 'redis.jsonl')) };
}

/** The ops port is one of its variables: it is for operators, so the stage has no door to it. */
async function metricsOf(environment: Buffer): Promise<string> {
  const port = /(?:^|\0)OPS_PORT=(\d+)/.exec(environment.toString())?.[1];
  if (port === undefined) return '';
  const { body } = await request(`http://127.0.0.1:${port}/metrics`, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return await body.text();
}

async function dumpRedis({ redis }: Stage, file: string): Promise<number> {
  writeFileSync(file, '');
  if (redis === undefined) return 0;
  const client = new Redis(redis.url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {});
  try {
    await client.connect();
    const keys = await client.keys('*');
    for (const key of keys)
      appendFileSync(file, `${JSON.stringify({ key, value: await valueOf(client, key) })}\n`);
    return keys.length;
  } finally {
    client.disconnect();
  }
}

/** Each kind of value by its own command: DUMP would compress it, and nothing were found in it. */
async function valueOf(client: Redis, key: string): Promise<unknown> {
  const kind = await client.type(key);
  switch (kind) {
    case 'string':
      return await client.get(key);
    case 'hash':
      return await client.hgetall(key);
    case 'list':
      return await client.lrange(key, 0, -1);
    case 'set':
      return await client.smembers(key);
    case 'zset':
      return await client.call('ZRANGE', key, '0', '-1', 'WITHSCORES');
    case 'stream':
      return await client.call('XRANGE', key, '-', '+');
    case 'none':
      // Expired since it was listed.
      return null;
    default:
      throw new Error(`Redis holds a ${kind}, which nobody can read here`);
  }
}

/** Keeps what was answered, headers too. */
export function keepAnswer(folder: string, answer: { status: number; headers: unknown; text: string }): void {
  const evidence = join(folder, EVIDENCE);
  mkdirSync(evidence, { recursive: true });
  appendFileSync(join(evidence, 'answers.jsonl'), `${JSON.stringify(answer)}\n`);
}
