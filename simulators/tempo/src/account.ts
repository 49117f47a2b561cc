import { z } from 'zod';

const ADDRESS = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const STATE = z.enum(['valid', 'revoked', 'insufficient']);

/** On a chain there are no accounts to log in to: what can be good or bad is a token. */
export const accountSchema = z.strictObject({
  address: ADDRESS,
  network: z.enum(['testnet', 'mainnet']).default('testnet'),
  symbol: z.string().min(1).max(31),
  /** What `currency()` answers. */
  currency: z.string().min(1).max(31).default('USD'),
  decimals: z.int().min(0).max(255).default(6),
  /** `revoked`: no such token. `insufficient`: its issuer has paused it. */
  state: STATE.default('valid'),
});
export type Account = z.infer<typeof accountSchema>;

export const changeSchema = z.strictObject({
  address: ADDRESS,
  network: z.enum(['testnet', 'mainnet']).default('testnet'),
  state: STATE,
});

export function findAccount(
  accounts: readonly Account[],
  { address, network }: { address: string; network: Account['network'] },
): Account | undefined {
  return accounts.find(
    (account) => account.network === network && account.address.toLowerCase() === address.toLowerCase(),
  );
}

export function accountJson(account: Account): Record<string, unknown> {
  return { ...account };
}

const predeployed = (network: Account['network'], symbol: string, address: string): Account =>
  accountSchema.parse({ network, symbol, address });

/** The tokens that both networks publish. */
export const DEMO_ACCOUNTS: readonly Account[] = [
  predeployed('testnet', 'pathUSD', '0x20c0000000000000000000000000000000000000'),
  predeployed('testnet', 'AlphaUSD', '0x20c0000000000000000000000000000000000001'),
  predeployed('testnet', 'BetaUSD', '0x20c0000000000000000000000000000000000002'),
  predeployed('testnet', 'ThetaUSD', '0x20c0000000000000000000000000000000000003'),
  predeployed('mainnet', 'pathUSD', '0x20c0000000000000000000000000000000000000'),
  predeployed('mainnet', 'USDC.e', '0x20C000000000000000000000b9537d11c60E8b50'),
  predeployed('mainnet', 'USDT0', '0x20C00000000000000000000014f22CA97301EB73'),
];
