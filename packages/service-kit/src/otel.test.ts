import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const SOURCE = import.meta.dirname;

describe('the module that a service is started with', () => {
  test('loads nothing of OpenTelemetry while no address is set', async () => {
    const { code, stdout } = await run({ OTEL_EXPORTER_OTLP_ENDPOINT: '' });
    assert.equal(code, 0, stdout);
    assert.deepEqual(JSON.parse(stdout), { tracing: false, loaded: 0 });
  });

  test('switches tracing on by the address alone', async () => {
    const { code, stdout } = await run({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
    assert.equal(code, 0, stdout);
    const { tracing, loaded } = JSON.parse(stdout);
    assert.equal(tracing, true);
    assert.ok(loaded > 0, 'the count of the test before can see');
  });

  for (const [variable, env] of [
    ['OTEL_EXPORTER_OTLP_ENDPOINT', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }],
    [
      'OTEL_TRACES_SAMPLER_ARG',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_TRACES_SAMPLER_ARG: '50%' },
    ],
  ] as const)
    test(`does not start with a ${variable} that makes no sense, and says so in one line`, async () => {
      const { code, stdout } = await run(env);
      assert.equal(code, 1);
      assert.match(JSON.parse(stdout).message, new RegExp(`^cannot start: ${variable} must be`));
    });
});

const PROGRAM = `
  import { createRequire } from 'node:module';
  const { tracing } = await import('${join(SOURCE, 'tracing.ts')}');
  const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('opentelemetry'));
  console.log(JSON.stringify({ tracing: tracing() !== undefined, loaded: loaded.length }));
  await tracing()?.close();
`;

async function run(env: Record<string, string>): Promise<{ code: unknown; stdout: string }> {
  const child = spawn(
    process.execPath,
    ['--import', join(SOURCE, 'otel.ts'), '--input-type=module', '--eval', PROGRAM],
    { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'inherit'], cwd: SOURCE },
  );
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code, stdout };
}
