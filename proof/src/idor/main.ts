import { rmSync } from 'node:fs';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { CALL_CASES } from './call-cases.ts';
import { ROUTE_CASES } from './route-cases.ts';
import { runCases } from './run-cases.ts';
import { startWorld } from './world.ts';

// npm run idor: calls every route of the OpenAPI document and every RPC of the proto files with another hotel's ids and
// credentials, on a platform of its own (promise P12, security-tests rows 29 to 32 and 35). It ends with "N passed, N failed",
// and with a code that is not 0 when any failed. That the table is complete, cases.test.ts sees to.

const folder = temporaryFolder('idor');
const world = await startWorld(folder, (line) => console.log(line));
let checks;
try {
  checks = await runCases(world, [...ROUTE_CASES, ...CALL_CASES], (line) => console.log(line));
} finally {
  await world.stop();
}
const failed = checks.filter(({ failure }) => failure !== undefined);
if (failed.length === 0) rmSync(folder, { recursive: true, force: true });
else console.log(`The services' logs lie in ${folder}.`);
console.log(`${checks.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length === 0 && checks.length > 0 ? 0 : 1);
