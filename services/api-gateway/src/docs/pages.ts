import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { ConfigError } from '@centra/service-kit/env.ts';
import { SECURITY_HEADERS } from '../edge/security-headers.ts';
import { readDescription } from './description.ts';
import { renderPage } from './render-page.ts';
import { STYLE } from './style.ts';

export type Page = { type: string; policy: string; body: Buffer };
/** Path to page. */
export type Pages = ReadonlyMap<string, Page>;

// The page has one style element and nothing else that a browser would load or run.
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');
const DOCS_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Reads the committed OpenAPI description and renders the reference from it, once. */
export function readPages(file: string): Pages {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(
      `OPENAPI_FILE cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const reference = renderPage(readDescription(document));
  return new Map([
    [
      '/openapi.json',
      { type: 'application/json', policy: DATA_POLICY, body: Buffer.from(JSON.stringify(document)) },
    ],
    ['/docs', { type: 'text/html; charset=utf-8', policy: DOCS_POLICY, body: Buffer.from(reference) }],
  ]);
}

/** Answers with one of the pages. */
export function servePage(page: Page, response: ServerResponse): void {
  for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
  response.setHeader('content-security-policy', page.policy);
  response.setHeader('cache-control', 'no-cache');
  response.setHeader('content-type', page.type);
  response.setHeader('content-length', page.body.length);
  response.end(page.body);
}
