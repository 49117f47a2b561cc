import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

// What there is to ask for, read from the descriptions that are the contract: the committed OpenAPI document, and the proto
// files. Neither knows of this table, so a route or RPC that is added there has no case until somebody writes one.

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const OPENAPI = join(ROOT, 'services/api-gateway/openapi.json');

const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.object({ security: z.unknown().optional() }).loose())),
});
// What else may stand beside a path's operations (OpenAPI 3.1, "Path Item Object").
const NOT_OPERATIONS: readonly string[] = ['summary', 'description', 'servers', 'parameters', '$ref'];

/** Every route of the public door, as `GET /v1/payments/{id}`. */
export function describedRoutes(): string[] {
  const { paths } = documentSchema.parse(JSON.parse(readFileSync(OPENAPI, 'utf8')));
  return Object.entries(paths)
    .flatMap(([path, item]) =>
      Object.keys(item)
        .filter((method) => !NOT_OPERATIONS.includes(method))
        .map((method) => `${method.toUpperCase()} ${path}`),
    )
    .toSorted();
}

/** Every RPC of every service, as `centra.auth.v1.AuthService/ValidateApiKey`. */
export function describedCalls(): string[] {
  const files = globSync('proto/**/*.proto', { cwd: ROOT });
  return files.flatMap((file) => callsOf(readFileSync(join(ROOT, file), 'utf8'))).toSorted();
}

/** The RPCs of one proto file. Comments go first: words in them look like anything. */
export function callsOf(proto: string): string[] {
  const text = proto.replaceAll(/\/\/.*$/gm, '').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const packageName = /^\s*package\s+([\w.]+)\s*;/m.exec(text)?.[1] ?? '';
  const calls: string[] = [];
  let service = '';
  for (const [, named, method] of text.matchAll(/\bservice\s+(\w+)\s*\{|\brpc\s+(\w+)\s*\(/g))
    if (named !== undefined) service = named;
    else calls.push(`${packageName}.${service}/${method}`);
  return calls;
}
