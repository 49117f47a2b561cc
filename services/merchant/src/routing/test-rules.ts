import { asCaller, newHotel } from '../test-service.ts';
import type { Caller, TestMerchant } from '../test-service.ts';

export const RULES = '/v1/routing-rules';

/** A hotel, and a key of it that may do everything with its accounts and rules. */
export async function newRuler(
  test: TestMerchant,
  mode: 'test' | 'live' = 'test',
): Promise<{ merchantId: string; caller: Caller }> {
  const merchantId = await newHotel(test);
  return { merchantId, caller: rulerOf(test, merchantId, mode) };
}

/** Another key of the same hotel. */
export function rulerOf(test: TestMerchant, merchantId: string, mode: 'test' | 'live'): Caller {
  return asCaller(test, {
    merchantId,
    mode,
    scopes: [
      'provider_accounts:read',
      'provider_accounts:write',
      'routing_rules:read',
      'routing_rules:write',
    ],
  });
}

/** Connects a simulator, the first of which is the hotel's default; answers its public id. */
export async function connectSimulator(
  caller: Caller,
  name = 'Simulator',
  more: object = {},
): Promise<string> {
  const body = { provider: 'simulator', mode: 'test', name, credentials: {}, ...more };
  return String((await caller.post('/v1/provider-accounts').send(body).expect(201)).body.id);
}

/** Connects a card vault; answers its public id. */
export async function connectVault(caller: Caller): Promise<string> {
  const body = { provider: 'vaultera', credentials: { api_key: 'ab'.repeat(16) } };
  return String((await caller.post('/v1/provider-accounts').send(body).expect(201)).body.id);
}

export type RuleJson = {
  id: string;
  name: string;
  mode: string;
  position: number;
  enabled: boolean;
  conditions: Record<string, unknown>;
  provider_accounts: string[];
};

/** Stores a rule and answers it. */
export async function addRule(
  caller: Caller,
  accounts: readonly string[],
  more: object = {},
): Promise<RuleJson> {
  const body = { name: 'A rule', conditions: {}, provider_accounts: accounts, ...more };
  return (await caller.post(RULES).send(body).expect(201)).body;
}

/** The names and places of a caller's rules, in order. */
export async function ruleOrder(caller: Caller, query = ''): Promise<string[]> {
  const page: { data: RuleJson[] } = (await caller.get(`${RULES}${query}`).expect(200)).body;
  return page.data.map(({ name, position }) => `${position} ${name}`);
}
