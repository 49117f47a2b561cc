import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';

describe('a service', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    test(`drains on ${signal} and exits 0`, async () => {
      const ended = await run({
        start: `return { close: async () => { await pause(50); print('drained'); } };`,
        signals: [signal],
      });
      assert.deepEqual([ended.code, ended.signal], [0, null]);
      assert.deepEqual(ended.messages.toSorted(), ['drained', 'stopping']);
    });

  test('that is told twice to stop drains once', async () => {
    const ended = await run({
      start: `return { close: async () => { print('draining'); await pause(500); print('drained'); } };`,
      signals: ['SIGTERM', 'SIGINT', 'SIGTERM'],
    });
    assert.equal(ended.code, 0);
    assert.deepEqual(ended.messages.toSorted(), ['drained', 'draining', 'stopping']);
  });

  test('whose stop fails says so and exits 1', async () => {
    const ended = await run({
      start: `return { close: async () => { throw new Error('still busy'); } };`,
      signals: ['SIGTERM'],
    });
    assert.equal(ended.code, 1);
    assert.deepEqual(ended.messages.toSorted(), ['failed while stopping', 'stopping']);
  });

  test('with a refused configuration says so in one clear line without a stack, and exits 1', async () => {
    const ended = await run({ start: `throw new ConfigError('DATABASE_URL is not set');` });
    assert.equal(ended.code, 1);
    assert.deepEqual(ended.messages, ['cannot start: DATABASE_URL is not set']);
    assert.doesNotMatch(ended.stdout + ended.stderr, /\.ts:|at /);
  });

  test('with an unknown log level says so in the same way', async () => {
    const ended = await run({ start: `return { close: async () => {} };`, env: { LOG_LEVEL: 'verbose' } });
    assert.equal(ended.code, 1);
    assert.deepEqual(ended.messages.length, 1);
    assert.match(ended.messages[0] ?? '', /^cannot start: LOG_LEVEL must be one of .*, not "verbose"$/);
    assert.equal(ended.stderr, '');
  });

  test('that cannot start for another reason logs the error and exits 1', async () => {
    const ended = await run({ start: `throw new Error('port is taken');` });
    assert.equal(ended.code, 1);
    assert.deepEqual(ended.messages, ['cannot start']);
    assert.match(ended.stdout, /port is taken/);
  });

  test('that is told to stop while it starts leaves at once', async () => {
    const ended = await run({ start: `print('started'); await pause(600_000);`, signals: ['SIGTERM'] });
    assert.equal(ended.signal ?? ended.code, 'SIGTERM');
  });

  for (const [what, statement] of [
    ['an uncaught exception', `setTimeout(() => { throw new Error('escaped'); }, 1);`],
    ['an unhandled rejection', `void Promise.reject(new Error('escaped'));`],
  ] as const)
    test(`with ${what} logs it and ends, since its state is no longer known`, async () => {
      const ended = await run({ start: `${statement} return { close: async () => {} };` });
      assert.equal(ended.code, 1);
      assert.equal(ended.messages.length, 1);
      assert.match(ended.stdout, /escaped/);
    });
});

type Ended = {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  messages: string[];
};

/** Runs a service of these statements in a process of its own; sends it the signals once it has started. */
async function run(options: {
  start: string;
  signals?: NodeJS.Signals[];
  env?: Record<string, string>;
}): Promise<Ended> {
  const program = `
    import { ConfigError } from ${from('./env.ts')};
    import { runService } from ${from('./lifecycle.ts')};
    import { pause } from ${from('./loop.ts')};
    const print = (message) => console.log(JSON.stringify({ message }));
    setTimeout(() => process.exit(99), 60_000);
    // Not awaited: the test that stops a start could otherwise not be told that it began.
    const running = runService('kit', async () => { ${options.start} });
    if (${options.start.includes('started')}) await pause(10); else await running;
    process.stderr.write('ready');
    export { ConfigError };`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, LOG_LEVEL: 'info', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    if (stderr === 'ready') for (const signal of options.signals ?? []) child.kill(signal);
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done) => {
    child.once('close', (exitCode, exitSignal) => done([exitCode, exitSignal]));
  });
  // On a busy machine lines may overtake each other on the way through the pipe: what was said counts, and how often.
  const lines = stdout.split('\n').filter((line) => line !== '');
  const messages = lines.map((line) => String(Reflect.get(Object(JSON.parse(line)), 'message')));
  return { code, signal, stdout, stderr, messages: messages.filter((message) => message !== 'started') };
}

function from(file: string): string {
  return JSON.stringify(import.meta.resolve(file));
}
