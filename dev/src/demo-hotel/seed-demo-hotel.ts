import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { addColleague } from '../people.ts';
import type { Platform } from '../platform.ts';
import { createHotel } from '../seed.ts';

const hotelSchema = z.object({
  merchantId: z.string(),
  apiKey: z.string(),
  stripeKey: z.string(),
  vaulteraKey: z.string(),
});
const ownedSchema = hotelSchema.extend({ owner: z.object({ email: z.string(), password: z.string() }) });

/** The demo hotel, and who logs in as its owner. */
export type DemoHotel = z.infer<typeof ownedSchema>;

const OWNER = { email: 'owner@riad-centra.example', name: 'Amina (demo)', role: 'owner' };

/** The demo hotel of this data folder: made at the first start, read back afterwards. */
export async function seedDemoHotel(platform: Platform, demoOrigin: string): Promise<DemoHotel> {
  const file = join(platform.dataDir, 'demo-hotel.json');
  const known: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  const whole = ownedSchema.safeParse(known);
  if (whole.success) return whole.data;
  // A folder of a version before people could log in has a hotel without an owner.
  const hotel =
    hotelSchema.safeParse(known).data ??
    (await createHotel(platform, { name: 'Riad Centra (demo)', origins: [demoOrigin] }));
  const { email, password } = await addColleague(platform, hotel.merchantId, OWNER);
  const owned = { ...hotel, owner: { email, password } };
  // API key and password are shown once, so a second start can only have them from here. They open simulators.
  writeFileSync(file, JSON.stringify(owned, null, 2), { mode: 0o600 });
  return owned;
}
