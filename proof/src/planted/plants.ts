import type { Plant } from './plant.ts';
import { EDGE_PLANTS } from './plants/edge.ts';
import { IDEMPOTENCY_PLANTS } from './plants/idempotency.ts';
import { LIMIT_PLANTS } from './plants/limits.ts';
import { MONEY_PLANTS } from './plants/money.ts';
import { SECRET_PLANTS } from './plants/secrets.ts';
import { TENANT_PLANTS } from './plants/tenants.ts';
import { UNKNOWN_PLANTS } from './plants/unknown.ts';
import { WEBHOOK_PLANTS } from './plants/webhooks.ts';

/** Every planted bug. The more of them a change removes, the less is known of the tests. */
export const PLANTS: readonly Plant[] = [
  ...MONEY_PLANTS,
  ...LIMIT_PLANTS,
  ...IDEMPOTENCY_PLANTS,
  ...UNKNOWN_PLANTS,
  ...WEBHOOK_PLANTS,
  ...SECRET_PLANTS,
  ...TENANT_PLANTS,
  ...EDGE_PLANTS,
];
