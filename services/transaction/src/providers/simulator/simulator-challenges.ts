import { createHash, createHmac } from 'node:crypto';
import type { Money } from '@centra/money/money.ts';
import { inTransaction } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { FailureCode } from '../failure.ts';
import type { CardSummary } from '../provider.ts';
import { parseReference } from './simulator-reference.ts';

/** A bank's challenge or a hosted page, as stored. */
export type Challenge = {
  kind: 'challenge' | 'hosted';
  state: 'open' | 'approved' | 'refused' | 'canceled';
  reference: string;
  card: CardSummary | undefined;
  /** What the bank says after an approval; undefined: it approves. */
  failureCode: FailureCode | undefined;
  expiresAt: Date;
  /** By the database's clock. */
  isTimeOver: boolean;
};

export type NewChallenge = {
  kind: 'challenge' | 'hosted';
  accountId: string;
  providerKey: string;
  operationId: string;
  reference: string;
  bookingReference: string;
  card: CardSummary | undefined;
  approveUrl: string;
  refuseUrl: string;
  failureCode: FailureCode | undefined;
  /** Undefined: a day from now. */
  expiresAt: Date | undefined;
};

/** What the page shows. Without a card it is a hosted page, which asks for one. */
export type ChallengeView = {
  bookingReference: string;
  money: Money;
  card: CardSummary | undefined;
  /** Answered, withdrawn or too late. */
  isOver: boolean;
};

/** The guest's side of the simulator: the page that a challenge or a hosted payment shows. */
export type SimulatorChallenges = {
  /** Throws AppError `not_found`. */
  read(token: string): Promise<ChallengeView>;
  /**
   * Takes the guest's answer and says where to send them. The same answer again changes nothing; another one, or one
   * that comes too late, throws AppError `state_conflict`. Throws `not_found`.
   */
  answer(token: string, approve: boolean): Promise<string>;
};

export type ChallengeStore = SimulatorChallenges & {
  /** The page's address: the same for the same key. Opens the challenge unless it is there. */
  open(challenge: NewChallenge): Promise<Challenge>;
  addressOf(accountId: string, providerKey: string): Promise<string>;
  byKey(accountId: string, providerKey: string): Promise<Challenge | undefined>;
  byReference(accountId: string, reference: string): Promise<Challenge | undefined>;
  /** Withdraws it, unless it was answered before. */
  cancel(accountId: string, reference: string): Promise<void>;
};

type ChallengeRow = {
  kind: Challenge['kind'];
  state: Challenge['state'];
  reference: string;
  card: CardSummary | null;
  failure_code: FailureCode | null;
  expires_at: Date;
  is_time_over: boolean;
  booking_reference: string;
  approve_url: string;
  refuse_url: string;
  operation_id: string;
};

const COLUMNS = `kind, state, reference, card, failure_code, expires_at, expires_at <= now() as is_time_over,
  booking_reference, approve_url, refuse_url, operation_id`;

/** Challenges in the simulator's own table, their pages under `pageUrl`. */
export function createChallenges(pool: Pool, pageUrl: string): ChallengeStore {
  let secret: Promise<Buffer> | undefined;
  const tokenOf = async (accountId: string, providerKey: string): Promise<string> => {
    secret ??= readSecret(pool);
    const key = await secret.catch((error: unknown) => {
      secret = undefined;
      throw error;
    });
    // 256 bits, so that nobody finds the page of another guest by trying.
    return createHmac('sha256', key).update(`${accountId} ${providerKey}`).digest('base64url');
  };
  const find = async (where: string, values: unknown[]): Promise<Challenge | undefined> => {
    const { rows } = await pool.query<ChallengeRow>(
      `select ${COLUMNS} from simulator_challenges where ${where}`,
      values,
    );
    return rows[0] === undefined ? undefined : toChallenge(rows[0]);
  };
  const byKey = async (accountId: string, providerKey: string): Promise<Challenge | undefined> =>
    await find('account_id = $1 and provider_key = $2', [accountId, providerKey]);
  return {
    byKey,
    byReference: async (accountId, reference) =>
      await find('account_id = $1 and reference = $2', [accountId, reference]),
    addressOf: async (accountId, providerKey) => `${pageUrl}/${await tokenOf(accountId, providerKey)}`,
    async open(challenge) {
      await insert(pool, challenge, hashOf(await tokenOf(challenge.accountId, challenge.providerKey)));
      const stored = await byKey(challenge.accountId, challenge.providerKey);
      if (stored === undefined) throw new Error('a challenge that was stored is gone');
      return stored;
    },
    async cancel(accountId, reference) {
      await pool.query(
        `update simulator_challenges set state = 'canceled', answered_at = now()
          where account_id = $1 and reference = $2 and state = 'open'`,
        [accountId, reference],
      );
    },
    read: async (token) => await readView(pool, token),
    answer: async (token, approve) => await takeAnswer(pool, token, approve),
  };
}

async function readSecret(pool: Pool): Promise<Buffer> {
  const { rows } = await pool.query<{ secret: Buffer }>(`select secret from simulator_secret`);
  if (rows[0] === undefined) throw new Error('simulator_secret is empty: the migrations did not run');
  return rows[0].secret;
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

async function insert(pool: Pool, challenge: NewChallenge, tokenHash: Buffer): Promise<void> {
  const { kind, accountId, providerKey, operationId, reference, bookingReference, card } = challenge;
  await pool.query(
    `insert into simulator_challenges (account_id, provider_key, kind, token_hash, operation_id, reference,
       booking_reference, card, approve_url, refuse_url, failure_code, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12, now() + interval '1 day'))
         on conflict (account_id, provider_key) do nothing`,
    [
      accountId,
      providerKey,
      kind,
      tokenHash,
      operationId,
      reference,
      bookingReference,
      card,
      challenge.approveUrl,
      challenge.refuseUrl,
      challenge.failureCode,
      challenge.expiresAt,
    ],
  );
}

async function readView(pool: Pool, token: string): Promise<ChallengeView> {
  const { rows } = await pool.query<ChallengeRow>(
    `select ${COLUMNS} from simulator_challenges where token_hash = $1`,
    [hashOf(token)],
  );
  const row = rows[0];
  const facts = row === undefined ? undefined : parseReference(row.reference);
  if (row === undefined || facts === undefined) throw new AppError('not_found');
  return {
    bookingReference: row.booking_reference,
    money: { amountMinor: facts.amountMinor, currency: facts.currency },
    card: row.card ?? undefined,
    isOver: row.state !== 'open' || row.is_time_over,
  };
}

async function takeAnswer(pool: Pool, token: string, approve: boolean): Promise<string> {
  return await inTransaction(pool, async (client) => {
    const { rows } = await client.query<ChallengeRow>(
      `select ${COLUMNS} from simulator_challenges where token_hash = $1 for update`,
      [hashOf(token)],
    );
    const row = rows[0];
    if (row === undefined) throw new AppError('not_found');
    const answer = approve ? 'approved' : 'refused';
    const url = approve ? row.approve_url : row.refuse_url;
    // Pressed twice, or the reply got lost: the answer stands.
    if (row.state === answer) return url;
    if (row.state !== 'open' || row.is_time_over)
      throw new AppError('state_conflict', {
        detail: 'This page was answered or withdrawn, or its time is over.',
      });
    await client.query(
      `update simulator_challenges set state = $2, answered_at = now() where token_hash = $1`,
      [hashOf(token), answer],
    );
    // There is no webhook here that would tell: instead the operation that waits for the guest is due at once. By its
    // id alone, which the index of open operations makes cheap enough for a development tool.
    await client.query(
      `update operations set due_at = now() where id = $1 and state in ('sent', 'unknown') and due_at > now()`,
      [row.operation_id],
    );
    return url;
  });
}

function toChallenge(row: ChallengeRow): Challenge {
  return {
    kind: row.kind,
    state: row.state,
    reference: row.reference,
    card: row.card ?? undefined,
    failureCode: row.failure_code ?? undefined,
    expiresAt: row.expires_at,
    isTimeOver: row.is_time_over,
  };
}
