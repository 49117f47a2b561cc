/** Vault refused, or did not answer. The message holds Vault's own words, never what was sent. */
export class VaultError extends Error {
  override name = 'VaultError';
  /** Undefined when there was no answer that could be read. */
  readonly status: number | undefined;
  /** How long Vault asks us to wait, milliseconds. */
  readonly retryAfterMs: number;

  constructor(
    message: string,
    {
      status,
      retryAfterMs = 0,
      cause,
    }: { status?: number | undefined; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}
