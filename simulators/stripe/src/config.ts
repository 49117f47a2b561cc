/** Everything the simulator can be told; every field but `dataDir` has a default. */
export type Config = {
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Where journal.jsonl and instance.key live. */
  dataDir: string;
  /** The address browsers use for the 3-D Secure page; null = the listening address. */
  publicUrl: string | null;
  /** How long a write keeps its idempotency key before it acts, in milliseconds: Stripe's own thinking time. */
  latencyMs: number;
  /** How long a change stays invisible to search, in milliseconds. */
  searchDelayMs: number;
  /** How long after `capture_before` an uncaptured payment is canceled, in milliseconds. */
  expiryDelayMs: number;
  /** How long a refund of the cards with a delayed outcome takes, in milliseconds on the simulator's clock. */
  refundSettleMs: number;
  /** How long a write waits for another one of the same object before it gives up with lock_timeout, in milliseconds. */
  lockWaitMs: number;
  /** Requests one account may make in a second, in each mode; 0 = no limit. */
  rateLimitPerSecond: number;
  /** How long after a charge its test card's dispute or fraud warning comes, and after evidence its decision, in milliseconds. */
  disputeDelayMs: number;
  /** First pause before a failed webhook is sent again, in milliseconds; doubles each time. */
  webhookRetryMs: number;
  /** How long an endpoint may take to answer a webhook, in milliseconds. */
  webhookTimeoutMs: number;
};

export const CONFIG_DEFAULTS: Omit<Config, 'dataDir'> = {
  host: '127.0.0.1',
  port: 12_111,
  publicUrl: null,
  latencyMs: 0,
  searchDelayMs: 1_000,
  expiryDelayMs: 0,
  refundSettleMs: 3_000,
  // Long enough for the queue of a burst, short enough for a caller's own timeout.
  lockWaitMs: 5_000,
  rateLimitPerSecond: 0,
  disputeDelayMs: 1_000,
  // Doubling from 5 s, the 15th repetition is the last one within the three days of live mode.
  webhookRetryMs: 5_000,
  webhookTimeoutMs: 10_000,
};

/** The environment as this program reads it. */
export function readEnv(): NodeJS.ProcessEnv {
  return process.env;
}

/** Throws, naming the variable, when one is missing or makes no sense. */
export function envToConfig(env: NodeJS.ProcessEnv): Config {
  if (!env['DATA_DIR']) throw new Error('DATA_DIR is required: the directory that holds the journal');
  return {
    host: env['HOST'] || CONFIG_DEFAULTS.host,
    port: wholeNumber(env, 'PORT', CONFIG_DEFAULTS.port, 65_535),
    dataDir: env['DATA_DIR'],
    publicUrl: env['PUBLIC_URL'] || CONFIG_DEFAULTS.publicUrl,
    latencyMs: wholeNumber(env, 'LATENCY_MS', CONFIG_DEFAULTS.latencyMs, 60_000),
    searchDelayMs: wholeNumber(env, 'SEARCH_DELAY_MS', CONFIG_DEFAULTS.searchDelayMs, 3_600_000),
    expiryDelayMs: wholeNumber(env, 'EXPIRY_DELAY_MS', CONFIG_DEFAULTS.expiryDelayMs, 86_400_000),
    refundSettleMs: wholeNumber(env, 'REFUND_SETTLE_MS', CONFIG_DEFAULTS.refundSettleMs, 2_592_000_000),
    lockWaitMs: wholeNumber(env, 'LOCK_WAIT_MS', CONFIG_DEFAULTS.lockWaitMs, 60_000),
    rateLimitPerSecond: wholeNumber(
      env,
      'RATE_LIMIT_PER_SECOND',
      CONFIG_DEFAULTS.rateLimitPerSecond,
      100_000,
    ),
    disputeDelayMs: wholeNumber(env, 'DISPUTE_DELAY_MS', CONFIG_DEFAULTS.disputeDelayMs, 2_592_000_000),
    webhookRetryMs: wholeNumber(env, 'WEBHOOK_RETRY_MS', CONFIG_DEFAULTS.webhookRetryMs, 3_600_000),
    webhookTimeoutMs: wholeNumber(env, 'WEBHOOK_TIMEOUT_MS', CONFIG_DEFAULTS.webhookTimeoutMs, 60_000),
  };
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string, fallback: number, max: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max) throw new Error(`${name} must be a whole number from 0 to ${max}`);
  return value;
}
