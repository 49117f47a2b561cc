import { z } from 'zod';

const accountSchema = z.object({
  object: z.literal('account'),
  id: z.string(),
  name: z.string(),
  created_at: z.string(),
});

const apiKeySchema = z.object({
  object: z.literal('api_key'),
  id: z.string(),
  account_id: z.string(),
  /** SHA-256 of the key: 128 random bits need no slow hash, and every request pays for this one. */
  key_hash: z.string(),
  last4: z.string(),
  description: z.string(),
  status: z.enum(['active', 'revoked']),
  created_at: z.string(),
  revoked_at: z.string().nullable(),
});

export const SESSION_SCOPES = ['card', 'service_code'] as const;

const sessionSchema = z.object({
  object: z.literal('session_token'),
  id: z.string(),
  account_id: z.string(),
  token_hash: z.string(),
  scope: z.enum(SESSION_SCOPES),
  expires_at: z.string(),
  spent: z.boolean(),
});

/** What may be written in the clear about a card; number, holder and service code are in the sealed store. */
const cardSchema = z.object({
  object: z.literal('card'),
  token: z.string(),
  account_id: z.string(),
  first6: z.string(),
  last4: z.string(),
  length: z.number(),
  card_type: z.string(),
  expiration_month: z.string(),
  expiration_year: z.string(),
  cvv_present: z.boolean(),
  deleted: z.boolean(),
});

const clockSchema = z.object({ object: z.literal('clock'), offset_ms: z.number() });

export const snapshotSchema = z.discriminatedUnion('object', [
  accountSchema,
  apiKeySchema,
  sessionSchema,
  cardSchema,
  clockSchema,
]);

export type Snapshot = z.infer<typeof snapshotSchema>;
export type Account = z.infer<typeof accountSchema>;
export type ApiKey = z.infer<typeof apiKeySchema>;
export type Session = z.infer<typeof sessionSchema>;
export type SessionScope = Session['scope'];
export type Card = z.infer<typeof cardSchema>;

/** Everything the simulator knows, rebuilt from the snapshots in the journal. */
export type State = {
  accounts: Map<string, Account>;
  apiKeys: Map<string, ApiKey>;
  apiKeyByHash: Map<string, string>;
  /** Unspent sessions by hash of their token, oldest first. */
  sessions: Map<string, Session>;
  cards: Map<string, Card>;
  clockOffsetMs: number;
};

export function emptyState(): State {
  return {
    accounts: new Map(),
    apiKeys: new Map(),
    apiKeyByHash: new Map(),
    sessions: new Map(),
    cards: new Map(),
    clockOffsetMs: 0,
  };
}

/** Puts a snapshot in place of what was known of that object. */
export function applySnapshot(state: State, snapshot: Snapshot): void {
  switch (snapshot.object) {
    case 'account':
      state.accounts.set(snapshot.id, snapshot);
      return;
    case 'api_key':
      state.apiKeys.set(snapshot.id, snapshot);
      state.apiKeyByHash.set(snapshot.key_hash, snapshot.id);
      return;
    case 'session_token':
      // A spent token answers like one that never was, so nothing of it is kept.
      if (snapshot.spent) state.sessions.delete(snapshot.token_hash);
      else state.sessions.set(snapshot.token_hash, snapshot);
      return;
    case 'card':
      if (snapshot.deleted) state.cards.delete(snapshot.token);
      else state.cards.set(snapshot.token, snapshot);
      return;
    case 'clock':
      state.clockOffsetMs = snapshot.offset_ms;
      return;
    default:
      snapshot satisfies never;
  }
}
