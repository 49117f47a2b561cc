import { toChecks, verifyRun } from './verify.ts';

// node proof/src/verify/main.ts <run folder>: every verdict, and "N passed, N failed". The code is not 0 when any failed.

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node proof/src/verify/main.ts RUN_FOLDER');
  process.exit(2);
}
const { checks, notes } = toChecks(verifyRun(folder));
for (const { name, failure } of checks)
  console.log(failure === undefined ? `✔ ${name}` : `✖ ${name}: ${failure}`);
for (const note of notes) console.log(`· ${note}`);
const failed = checks.filter(({ failure }) => failure !== undefined).length;
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
