import { readBooks } from '../testing/books.ts';
import { startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { violations } from '../testing/verify-books.ts';
import type { World } from '../testing/world.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { race } from './race.ts';
import type { RaceOptions, RaceResult } from './race.ts';

export type Provider = 'simulator' | 'stripe';
export type Verified = RaceResult & { violations: string[] };

// As many instances as a small installation runs; each has its own pool, sweeper and credentials.
const INSTANCES = 3;
// What was unknown is looked up within a second or so; far above that on a loaded machine.
const SETTLE_TIMEOUT_MS = 120_000;

/** A race on a hotel of its own, then everything at rest, then the books. */
export async function raceAndVerify(
  world: World,
  provider: Provider,
  options: RaceOptions,
): Promise<Verified> {
  const services: TestService[] = [];
  try {
    for (let nth = 0; nth < INSTANCES; nth += 1)
      // A second's memory of credentials, as in production: the race is for the payment, not for the neighbour.
      services.push(await startTestService(world, { credentialTtlMs: 5_000 }));
    const hotel = provider === 'stripe' ? await world.stripeHotel() : await world.simulatorHotel();
    const cardOf = async (): Promise<string> =>
      provider === 'stripe' ? await world.vaultera.card(hotel.vaultKey, '4242424242424242') : 'sim_card_visa';
    const result = await race(services, hotel, cardOf, options);
    await atRest(world);
    return { ...result, violations: violations(await readBooks(world, hotel), result.told) };
  } finally {
    await Promise.all(services.map(async (service) => await service.close()));
  }
}

/** Waits until the sweepers have left nothing open. */
async function atRest(world: World): Promise<void> {
  await waitFor(
    'every operation to be settled',
    async () => {
      const { rows } = await world.admin.query<{ count: number }>(
        `select count(*)::int as count from operations where state not in ('succeeded', 'declined')`,
      );
      return rows[0]?.count === 0 ? true : undefined;
    },
    SETTLE_TIMEOUT_MS,
  );
}
