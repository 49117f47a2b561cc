import type { Seeded } from '@centra/testkit/seeded.ts';
import type { Replica, Stage } from '../stage/stage.ts';
import type { Books } from './book.ts';
import type { Client } from './client.ts';
import type { CrashCase } from './crash-cases.ts';
import type { NemesisJournal } from '../nemesis/nemesis-journal.ts';
import { REPLICAS_OF } from './wiring.ts';
import type { Wiring } from './wiring.ts';

/** What every case works with. */
export type World = {
  stage: Stage;
  wiring: Wiring;
  client: Client;
  books: Books;
  random: Seeded;
  journal: NemesisJournal;
};

/** One case with the number that its amounts are made of. */
export type NumberedCase = { crash: CrashCase; nth: number };

/** The process that is to die. */
export function armedOf({ stage }: World, { service }: CrashCase): Replica {
  return stage.replica(REPLICAS_OF[service].armed);
}

/** Where the operation is asked for: the armed gateway has a door of its own; everything else is asked through the other one. */
export function doorFor({ stage }: World, { service }: CrashCase): string {
  return stage.doors[service === 'api-gateway' ? 1 : 0] ?? '';
}

/** Where everything else is asked for. */
export function safeDoor({ stage }: World): string {
  return stage.doors[0] ?? '';
}

export const UNARMED = { FAILPOINT: '' };

/** Ends the process, if it runs, and starts it again. */
export async function restart(replica: Replica, env: Readonly<Record<string, string>>): Promise<void> {
  await replica.kill9();
  await replica.start(env);
}
