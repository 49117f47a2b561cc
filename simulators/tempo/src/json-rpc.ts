import type { Request, Response } from 'express';
import { z } from 'zod';
import { findAccount } from './account.ts';
import type { Account } from './account.ts';
import type { Context } from './context.ts';

const CHAIN_IDS = { mainnet: 4217, testnet: 42_431 } as const;

// First four bytes of the hash of each function's name, as tokens answer to.
const DECIMALS = '0x313ce567';
const CURRENCY = '0xe5a6b10f';
const SYMBOL = '0x95d89b41';
const PAUSED = '0x5c975abb';

const requestSchema = z.looseObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number(), z.null()]),
  method: z.string(),
  params: z.array(z.unknown()).default([]),
});
const callSchema = z.looseObject({ to: z.string(), data: z.string() });

class RpcError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** One JSON-RPC 2.0 call. Refusals are part of the protocol, so the HTTP status stays 200. */
export function answerRpc(
  context: Context,
  network: Account['network'],
  request: Request,
  response: Response,
): void {
  const call = requestSchema.safeParse(request.body).data;
  const id = call?.id ?? null;
  try {
    if (call === undefined) throw new RpcError(-32_600, 'Invalid Request');
    response.json({ jsonrpc: '2.0', id, result: resultOf(context, network, call.method, call.params) });
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    response.json({ jsonrpc: '2.0', id, error: { code: error.code, message: error.message } });
  }
}

function resultOf(context: Context, network: Account['network'], method: string, params: unknown[]): unknown {
  switch (method) {
    case 'eth_chainId':
      return hex(BigInt(CHAIN_IDS[network]));
    case 'eth_call':
      return callToken(context, network, params[0]);
    default:
      throw new RpcError(-32_601, 'Method not found');
  }
}

function callToken(context: Context, network: Account['network'], param: unknown): string {
  const call = callSchema.safeParse(param).data;
  if (call === undefined) throw new RpcError(-32_602, 'Invalid params');
  const token = findAccount(context.accounts, { address: call.to, network });
  // A call to an address without code succeeds with nothing.
  if (token === undefined || token.state === 'revoked') return '0x';
  switch (call.data.slice(0, 10).toLowerCase()) {
    case DECIMALS:
      return word(BigInt(token.decimals));
    case CURRENCY:
      return text(token.currency);
    case SYMBOL:
      return text(token.symbol);
    case PAUSED:
      return word(token.state === 'insufficient' ? 1n : 0n);
    default:
      throw new RpcError(3, 'execution reverted');
  }
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

function word(value: bigint): string {
  return `0x${value.toString(16).padStart(64, '0')}`;
}

/** A string as a contract answers it: where it begins, how long it is, its bytes filled up to 32. */
function text(value: string): string {
  const bytes = Buffer.from(value, 'utf8');
  return `${word(32n)}${word(BigInt(bytes.length)).slice(2)}${bytes.toString('hex').padEnd(64, '0')}`;
}
