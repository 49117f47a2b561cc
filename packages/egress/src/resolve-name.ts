import { Resolver } from 'node:dns/promises';
import { NODATA, NOTFOUND } from 'node:dns';

/** What we ask a name server. Node's own `Resolver` is one. */
export type NameResolver = {
  resolve4(name: string): Promise<string[]>;
  resolve6(name: string): Promise<string[]>;
};

/** Every address that a name has now. `unavailable`: the name servers did not answer, so nothing is known. */
export type Resolution =
  | { found: true; addresses: readonly string[] }
  | { found: false; why: 'no_address' | 'unavailable' };

// A name server answers in milliseconds, a far one in half a second; with the second try a lookup ends within about 3 s.
const TRY_TIMEOUT_MS = 1_000;
const TRIES = 2;

/** Asks the machine's name servers. Unlike `lookup` it reads no hosts file and adds no search domain, which are ours. */
export function createResolver(): NameResolver {
  return new Resolver({ timeout: TRY_TIMEOUT_MS, tries: TRIES, maxTimeout: 2 * TRY_TIMEOUT_MS });
}

/** Both families at once; IPv4 first, which is what most receivers have. */
export async function resolveName(resolver: NameResolver, name: string): Promise<Resolution> {
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (addresses.length > 0) return { found: true, addresses };
  const silent = answers.some((answer) => answer.status === 'rejected' && !saysNo(answer.reason));
  return { found: false, why: silent ? 'unavailable' : 'no_address' };
}

/** The name servers answered, and the answer is that there is no such name or no address of this family. */
function saysNo(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === NODATA || error.code === NOTFOUND);
}
