import { z } from 'zod';
import { createChecker, noAnswer, tryJson } from '../credential-check.ts';
import type { Ask, CheckOptions, CredentialChecker } from '../credential-check.ts';
import type { CredentialResult } from '../provider.ts';

const LABEL = 'Tempo';

/** Published chain ids: mainnet, and the Moderato testnet. */
const CHAIN_IDS = { live: 4217n, test: 42431n } as const;

// First four bytes of the hash of each function's name.
const DECIMALS = '0x313ce567';
const CURRENCY = '0xe5a6b10f';
const PAUSED = '0x5c975abb';

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const TOKEN_PREFIX = /^0x20c0{21}/i;
const ZERO = /^0x0{40}$/;

/** Asks the node which chain it is, and the token for its decimals, currency and whether it is paused. Reads only. */
export function createTempoCheck(options: CheckOptions): CredentialChecker {
  return createChecker({ ...options, label: LABEL }, async (ask, mode, credentials) => {
    const address = credentials.get('receiving_address') ?? '';
    const token = credentials.get('token') ?? '';
    if (!ADDRESS.test(address) || TOKEN_PREFIX.test(address) || ZERO.test(address))
      return rejected(
        'The Receiving address is not the address of a wallet. Copy the address of your own wallet again.',
      );
    if (!ADDRESS.test(token) || !TOKEN_PREFIX.test(token))
      return rejected('The Token is not one of this network. Choose it again from the list.');
    const chain = await rpc(ask, 'eth_chainId', []);
    // A node of another network is a fault of ours, and says nothing about the hotel's address.
    if (typeof chain !== 'string' || !/^0x[0-9a-f]{1,16}$/i.test(chain) || BigInt(chain) !== CHAIN_IDS[mode])
      return noAnswer(LABEL);
    return await askToken(ask, address, token);
  });
}

async function askToken(ask: Ask, address: string, token: string): Promise<CredentialResult> {
  const read = async (data: string): Promise<string | undefined> => {
    const result = await rpc(ask, 'eth_call', [{ to: token, data }, 'latest']);
    return typeof result === 'string' && /^0x[0-9a-f]*$/i.test(result) ? result.slice(2) : undefined;
  };
  const [decimals, currency, paused] = [await read(DECIMALS), await read(CURRENCY), await read(PAUSED)];
  if (decimals === undefined || currency === undefined)
    return rejected('The Token does not exist on this network. Choose it again from the list.');
  // Every token of the network has six decimals and names its currency; prices are in dollars.
  if (numberOf(decimals) !== 6n || textOf(currency) !== 'USD')
    return rejected('The Token is not a dollar stablecoin. Choose another one from the list.');
  if (paused === undefined || numberOf(paused) !== 0n)
    return {
      result: 'insufficient',
      message: 'The issuer of this Token has paused its transfers. Choose another Token, or try again later.',
      accountName: '',
    };
  const accountName = `${address.slice(0, 6)}…${address.slice(-4)}`;
  return {
    result: 'ok',
    message: 'The network knows this token, and the address can receive it.',
    accountName,
  };
}

function rejected(message: string): CredentialResult {
  return { result: 'rejected', message, accountName: '' };
}

const replySchema = z.union([
  z.object({ result: z.unknown(), error: z.undefined().optional() }),
  z.object({ error: z.object({ code: z.number() }) }),
]);

/** The result, or undefined when the call itself is refused by the contract (-32000, 3: reverted). Throws for the rest. */
async function rpc(ask: Ask, method: string, params: unknown[]): Promise<unknown> {
  const reply = await ask({
    method: 'POST',
    path: '',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const answer = replySchema.safeParse(tryJson(reply.body)).data;
  if (reply.status !== 200 || answer === undefined) throw new Error('the node gave no usable answer');
  if (answer.error === undefined) return 'result' in answer ? answer.result : undefined;
  if (answer.error.code === 3 || answer.error.code === -32_000) return undefined;
  throw new Error('the node refused the call');
}

function numberOf(hex: string): bigint | undefined {
  return /^[0-9a-f]{64}$/i.test(hex) ? BigInt(`0x${hex}`) : undefined;
}

/** A string as contracts answer it: where it begins, how long it is, its bytes. */
function textOf(hex: string): string | undefined {
  if (hex.length < 192 || BigInt(`0x${hex.slice(0, 64)}`) !== 32n) return undefined;
  const length = BigInt(`0x${hex.slice(64, 128)}`);
  if (length > 32n) return undefined;
  return Buffer.from(hex.slice(128, 128 + Number(length) * 2), 'hex').toString('utf8');
}
