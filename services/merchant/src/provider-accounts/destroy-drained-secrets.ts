import { callMetadata, callUnary, isServiceError } from '@centra/service-kit/grpc.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { SELF, recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { acrossMerchants } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';

// A transaction of a hundred small rows takes milliseconds and holds few hotels' history back.
const BATCH = 100;
// Each question is one index look-up in the transaction service; eight at once are no load for it.
const ASKED_AT_ONCE = 8;
// A look-up takes milliseconds; a service that needs longer is as good as away, and the next look comes in minutes.
const ASK_DEADLINE_MS = 2_000;

/**
 * One round of the loop: erases the sealed bytes of versions whose drain time is over by the database's clock and that
 * nothing needs any more, as the transaction service says. One that is still needed, or that nobody can say it of, is looked
 * at again in ten minutes. What stays of an erased one is that there was a secret, its last four characters and its
 * fingerprint. Any number of replicas may run it.
 */
export async function destroyDrainedSecrets(context: Context): Promise<{ more: boolean }> {
  const due = await acrossMerchants(
    context,
    async (tx) => await tx.execute<Version[]>(`${DUE} order by drains_until limit ?`, [BATCH]),
  );
  if (due.length === 0) return { more: false };
  const uses = await askUses(context, due);
  const kept = due.flatMap((version, at) => {
    const use = uses[at] ?? 'unanswered';
    return use === 'none' ? [] : [{ ...version, use }];
  });
  const unused = due.filter((_version, at) => uses[at] === 'none');
  const { destroyed, postponed } = await acrossMerchants(context, async (tx) => ({
    destroyed: await destroy(tx, unused),
    postponed: await postpone(tx, kept),
  }));
  for (const { use } of kept)
    context.destructionsPostponed.inc({ reason: use === 'unanswered' ? 'unanswered' : 'in_use' });
  if (destroyed > 0) context.log.info({ destroyed }, 'drained secrets destroyed');
  if (postponed > 0) context.log.info({ postponed }, 'drained secrets are kept for a while longer');
  return { more: due.length === BATCH };
}

type Version = { merchant_id: string; provider_account_id: string; version: number };
type Use = { openOperations: number; openHolds: number };

const DUE = `
select merchant_id, provider_account_id, version from provider_account_versions
 where state = 'draining' and drains_until <= now()`;

/** What still needs each version, in their order. Once one question fails for lack of a service, the rest are not asked. */
async function askUses(
  context: Context,
  versions: readonly Version[],
): Promise<(Use | 'none' | 'unanswered')[]> {
  const uses: (Use | 'none' | 'unanswered')[] = versions.map(() => 'unanswered');
  let next = 0;
  let isAway = false;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < versions.length && !isAway; at = next++) {
      const version = versions[at];
      if (version === undefined) return;
      try {
        uses[at] = await askUse(context, version);
      } catch (error) {
        if (!isServiceError(error)) throw error;
        isAway = true;
        context.log.warn(
          { err: error },
          'the transaction service cannot tell what drained secrets are needed for',
        );
      }
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker));
  return uses;
}

async function askUse(context: Context, version: Version): Promise<Use | 'none'> {
  const { transactionClient: client } = context;
  const request = {
    merchantId: version.merchant_id,
    providerAccountId: version.provider_account_id,
    version: version.version,
  };
  const { openOperations, openHolds } = await callUnary(client.countAccountUse.bind(client), request, {
    metadata: callMetadata(`drain-${newUuid()}`),
    deadlineMs: ASK_DEADLINE_MS,
  });
  return openOperations === 0 && openHolds === 0 ? 'none' : { openOperations, openHolds };
}

async function destroy(tx: Transaction, unused: readonly Version[]): Promise<number> {
  if (unused.length === 0) return 0;
  const rows = await tx.execute<Version[]>(DESTROY, [JSON.stringify(unused)]);
  for (const row of byMerchant(rows))
    await recordAuditEvent(tx, SELF, {
      merchantId: row.merchant_id,
      action: 'provider_account.secrets_destroyed',
      objectId: toPublicId('pa', row.provider_account_id),
      after: { version: row.version },
    });
  return rows.length;
}

/** Looked at again in ten minutes; the first time it is also said in the hotel's history. */
async function postpone(
  tx: Transaction,
  kept: readonly (Version & { use: Use | 'unanswered' })[],
): Promise<number> {
  if (kept.length === 0) return 0;
  const rows = await tx.execute<(Version & { is_first: boolean })[]>(POSTPONE, [JSON.stringify(kept)]);
  for (const row of byMerchant(rows).filter((each) => each.is_first)) {
    const use = kept.find(
      (each) => each.provider_account_id === row.provider_account_id && each.version === row.version,
    )?.use;
    await recordAuditEvent(tx, SELF, {
      merchantId: row.merchant_id,
      action: 'provider_account.destruction_postponed',
      objectId: toPublicId('pa', row.provider_account_id),
      after: {
        version: row.version,
        ...(use === undefined || use === 'unanswered'
          ? { reason: 'not known whether anything needs it' }
          : { open_operations: use.openOperations, open_holds: use.openHolds }),
      },
    });
  }
  return rows.length;
}

/** Each history row locks its hotel until commit; one order for all keeps two replicas from waiting for each other. */
function byMerchant<T extends Version>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => a.merchant_id.localeCompare(b.merchant_id));
}

// Another replica may have looked meanwhile, so both take only what is still due, under lock, and skip what is taken.
const STILL_DUE = `
with wanted as (
  select * from jsonb_to_recordset(?::jsonb) as each(merchant_id uuid, provider_account_id uuid, version integer)
), due as (
  select merchant_id, provider_account_id, version, destruction_postponed_at
    from provider_account_versions
   where state = 'draining' and drains_until <= now()
     and (merchant_id, provider_account_id, version) in (select merchant_id, provider_account_id, version from wanted)
     for update skip locked
)
update provider_account_versions as drained`;

const THEIRS = `
  from due
 where drained.merchant_id = due.merchant_id
   and drained.provider_account_id = due.provider_account_id
   and drained.version = due.version
returning drained.merchant_id, drained.provider_account_id, drained.version`;

const DESTROY = `${STILL_DUE}
   set state = 'destroyed', sealed_fields = null, data_key_version = null${THEIRS}`;

const POSTPONE = `${STILL_DUE}
   set drains_until = now() + interval '10 minutes',
       destruction_postponed_at = coalesce(drained.destruction_postponed_at, now())${THEIRS},
       due.destruction_postponed_at is null as is_first`;
