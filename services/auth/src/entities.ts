import { EmailToken } from './accounts/email-token.ts';
import { User } from './accounts/user.ts';
import { ApiKey } from './api-keys/api-key.ts';
import { AuditEvent } from './audit/audit-event.ts';
import { Factor } from './factors/factor.ts';
import { Member, MerchantAccess, Role } from './members/member.ts';
import { Session } from './sessions/session.ts';

/** Every entity that the ORM loads. */
export const entities = [ApiKey, AuditEvent, EmailToken, Factor, Member, MerchantAccess, Role, Session, User];
