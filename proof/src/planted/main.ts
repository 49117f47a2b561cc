import { parseArgs } from 'node:util';
import { ensureTool, REDIS } from '@centra/testkit/ensure-tool.ts';
import { PLANTS } from './plants.ts';
import { runPlanted } from './run-planted.ts';

// node proof/src/planted/main.ts [--only name,name] [--sane] [--list]. Ends with "N passed, N failed", and with a code that is
// not 0 when any bug was not caught.

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    sane: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

if (values.list) for (const { name, why } of PLANTS) console.log(`${name}: ${why}`);
else await plant();

async function plant(): Promise<void> {
  // A suite that is skipped proves nothing.
  ensureTool(REDIS, (line) => console.log(line));
  const { checks, notes } = await runPlanted({
    ...(values.only === undefined ? {} : { only: values.only.split(',') }),
    sane: values.sane,
    say: (line) => console.log(line),
  });
  for (const note of notes) console.log(`· ${note}`);
  const failed = checks.filter(({ failure }) => failure !== undefined).length;
  console.log(`${checks.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && checks.length > 0 ? 0 : 1;
}
