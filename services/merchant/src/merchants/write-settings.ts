import { isDeepStrictEqual } from 'node:util';
import type { Transaction } from '../tenant.ts';
import type { Profile, Settings } from './profile.ts';

/** Stores the settings of a hotel whose row is there. */
export async function writeSettings(tx: Transaction, merchantId: string, settings: Settings): Promise<void> {
  const { branding } = settings;
  await tx.execute(UPDATE, [
    settings.name,
    settings.country,
    settings.time_zone,
    settings.default_currency,
    JSON.stringify(settings.currencies),
    JSON.stringify(settings.methods),
    settings.statement_descriptor,
    settings.locale,
    JSON.stringify(toStored(settings.profile)),
    branding.primary_color,
    branding.on_primary_color,
    branding.background_color,
    branding.text_color,
    merchantId,
  ]);
  await tx.execute('delete from merchant_origins where merchant_id = ?', [merchantId]);
  await tx.execute(
    `insert into merchant_origins (merchant_id, origin)
     select ?::uuid, origin from jsonb_array_elements_text(?::jsonb) as origin`,
    [merchantId, JSON.stringify(settings.allowed_origins)],
  );
}

const UPDATE = `
update merchants
   set name = ?, country = ?, time_zone = ?, default_currency = ?,
       currencies = array(select jsonb_array_elements_text(?::jsonb)),
       methods = array(select jsonb_array_elements_text(?::jsonb)),
       statement_descriptor = ?, locale = ?, profile = ?::jsonb, primary_color = ?, on_primary_color = ?,
       background_color = ?, text_color = ?, updated_at = now()
 where merchant_id = ?`;

/** Only what was given. */
function toStored({ address, ...texts }: Profile): Record<string, unknown> {
  return { ...present(texts), address };
}

function present(members: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}

/** The members of the settings that differ, as they were and as they are: what the history shows. */
export function differences(
  before: Settings,
  after: Settings,
): { before: Partial<Settings>; after: Partial<Settings> } | undefined {
  const names = Object.keys(before).filter(
    (name) => !isDeepStrictEqual(memberOf(before, name), memberOf(after, name)),
  );
  if (names.length === 0) return undefined;
  return { before: picked(before, names), after: picked(after, names) };
}

function memberOf(settings: Settings, name: string): unknown {
  return Object.entries(settings).find(([key]) => key === name)?.[1];
}

function picked(settings: Settings, names: readonly string[]): Partial<Settings> {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => names.includes(name)));
}
