import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS } from '../packages/service-kit/src/errors.ts';
import { errorsDocument } from '../packages/service-kit/src/errors-document.ts';
import { FAILURES } from '../services/transaction/src/providers/failure.ts';

// Writes docs/errors.md from the two tables that the services answer from.
writeFileSync(join(import.meta.dirname, '..', 'docs', 'errors.md'), errorsDocument(ERRORS, FAILURES));
