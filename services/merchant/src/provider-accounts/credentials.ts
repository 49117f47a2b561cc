import { AppError } from '@centra/service-kit/errors.ts';
import type { FieldError } from '@centra/service-kit/errors.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import type { Mode } from '../entities.ts';
import type { Provider } from './providers.ts';

/** A provider's fields as given: secrets cannot print. */
export type Credentials = {
  plain: Readonly<Record<string, string>>;
  secrets: Readonly<Record<string, Secret>>;
};

/** Checks the fields against the provider's schema; `validation_failed` names `credentials.<field>`, never a value. */
export function parseCredentials(provider: Provider, given: Readonly<Record<string, string>>): Credentials {
  const errors: FieldError[] = [];
  const known = new Set(provider.fields.map(({ name }) => name));
  for (const name of Object.keys(given))
    if (!known.has(name))
      errors.push({ field: `credentials.${name}`, reason: `is not a field of ${provider.label}` });
  const plain: Record<string, string> = {};
  const secrets: Record<string, Secret> = {};
  for (const field of provider.fields) {
    const value = given[field.name];
    if (value === undefined) {
      if (field.required) errors.push({ field: `credentials.${field.name}`, reason: 'is missing' });
    } else if (!field.pattern.test(value)) {
      errors.push({ field: `credentials.${field.name}`, reason: field.shape });
    } else if (field.secret) {
      secrets[field.name] = new Secret(value);
    } else {
      plain[field.name] = value;
    }
  }
  if (errors.length > 0) throw new AppError('validation_failed', { errors });
  return { plain, secrets };
}

/** The first field whose spelling says that it belongs to the other mode; undefined when none does. */
export function fieldOfOtherMode(
  provider: Provider,
  mode: Mode,
  credentials: Credentials,
): string | undefined {
  const found = provider.fields.find((field) => {
    const value = credentials.plain[field.name] ?? credentials.secrets[field.name]?.reveal();
    const itsMode = value === undefined ? undefined : field.modeOf?.(value);
    return itsMode !== undefined && itsMode !== mode;
  });
  return found?.name;
}

/** The clear values, for the wire. Call it at the last moment. */
export function revealAll(credentials: Credentials): Record<string, string> {
  const clear = { ...credentials.plain };
  for (const [name, secret] of Object.entries(credentials.secrets)) clear[name] = secret.reveal();
  return clear;
}
