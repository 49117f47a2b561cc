import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { accountSchema, DEMO_ACCOUNTS } from './account.ts';
import type { Account } from './account.ts';
import type { Config } from './config.ts';
import { FaultBook } from './faults.ts';
import { Journal } from './journal.ts';

export type Context = { config: Config; journal: Journal; faults: FaultBook; accounts: Account[] };

export function createContext(config: Config): Context {
  const file = accountsFile(config);
  const kept = existsSync(file)
    ? z.array(accountSchema).parse(JSON.parse(readFileSync(file, 'utf8')))
    : [...DEMO_ACCOUNTS];
  return {
    config,
    journal: new Journal(join(config.dataDir, 'journal.jsonl')),
    faults: new FaultBook(),
    accounts: kept.map((account) => ({ ...account })),
  };
}

/** Accounts outlive a restart. They are a simulator's, so their secrets lie there in the clear. */
export function keepAccounts({ config, accounts }: Context): void {
  writeFileSync(accountsFile(config), JSON.stringify(accounts, null, 2), { mode: 0o600 });
}

function accountsFile({ dataDir }: Config): string {
  return join(dataDir, 'accounts.json');
}
