import { ApiKey } from './api-keys/api-key.ts';
import { AuditEvent } from './audit/audit-event.ts';

/** Every entity that the ORM loads. */
export const entities = [ApiKey, AuditEvent];
