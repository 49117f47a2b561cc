import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOpenApiDocument } from './openapi-document.ts';

// Writes the description that the gateway serves.
writeFileSync(
  join(import.meta.dirname, '..', 'services', 'api-gateway', 'openapi.json'),
  createOpenApiDocument(),
);
