/** A refusal in Vault's shape: `{"errors":[…]}`. */
export class VaultError extends Error {
  override name = 'VaultError';
  readonly status: number;
  readonly errors: readonly string[];

  constructor(status: number, ...errors: readonly string[]) {
    super(errors[0] ?? 'nothing there');
    this.status = status;
    this.errors = errors;
  }
}

export function badRequest(text: string): VaultError {
  return new VaultError(400, text);
}

/** Also for an unknown or expired token: Vault has no 401. */
export function permissionDenied(): VaultError {
  return new VaultError(403, 'permission denied');
}

/** A path where nothing is: an empty list. */
export function nothingThere(): VaultError {
  return new VaultError(404);
}
