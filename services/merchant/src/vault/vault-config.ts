/** How Vault is reached, and which of its keys wraps. */
export type VaultConfig = {
  /** Origin, https in production. */
  address: string;
  /** Further origins of the same cluster, to which a standby may send us. The token goes to no other host. */
  nodes: readonly string[];
  /** Enterprise namespace. */
  namespace: string | undefined;
  transitMount: string;
  transitKey: string;
  /** Keys of the same mount that wrapped before and still unwrap. */
  transitOldKeys: readonly string[];
  authMount: string;
  /** Read again at each log-in, since both may be replaced while we run. */
  roleIdFile: string;
  secretIdFile: string;
  /** True when the file holds a response-wrapping token, which gives the secret id out once. */
  secretIdWrapped: boolean;
  /** Authorities for TLS in place of the system's, PEM. */
  caFile: string | undefined;
  /** For one answer, milliseconds. */
  timeoutMs: number;
};
