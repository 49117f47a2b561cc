import { AppError } from '@centra/service-kit/errors.ts';
import type { FieldError } from '@centra/service-kit/errors.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import type { Mode } from '../entities.ts';
import type { Provider, ProviderField } from './provider-form.ts';

/** A provider's fields as given: secrets cannot print. */
export type Credentials = {
  plain: Readonly<Record<string, string>>;
  secrets: Readonly<Record<string, Secret>>;
};

/** Checks the fields against the provider's form; `validation_failed` names `credentials.<field>`, never a value. */
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
    const flaw = value === undefined ? (field.required ? 'is missing' : undefined) : flawOf(field, value);
    if (flaw !== undefined) errors.push({ field: `credentials.${field.name}`, reason: flaw });
    else if (value === undefined) continue;
    else if (field.secret) secrets[field.name] = new Secret(value);
    else plain[field.name] = value;
  }
  if (errors.length > 0) throw new AppError('validation_failed', { errors });
  return { plain, secrets };
}

// Pasted with the value from a page or a mail; not seen in a box, and of no key.
const PASTED_ALONG = /^[\s\u200b-\u200d\u2060\ufeff]|[\s\u200b-\u200d\u2060\ufeff]$/;

function flawOf(field: ProviderField, value: string): string | undefined {
  if (PASTED_ALONG.test(value))
    return 'has a space or line break before or after it: remove it and send again';
  if (value.length > field.maxLength || !field.pattern.test(value)) return field.shape;
  if (field.options !== undefined && !field.options.some((option) => option.value === value))
    return field.shape;
  return field.flawOf?.(value);
}

/** The first field whose spelling says that it belongs to the other mode; undefined when none does. */
export function fieldOfOtherMode(
  provider: Provider,
  mode: Mode,
  credentials: Credentials,
): ProviderField | undefined {
  return provider.fields.find((field) => {
    const value = credentials.plain[field.name] ?? credentials.secrets[field.name]?.reveal();
    if (value === undefined) return false;
    const option = field.options?.find((candidate) => candidate.value === value);
    if (option !== undefined) return !option.modes.includes(mode);
    const itsMode = field.modeOf?.(value);
    return itsMode !== undefined && itsMode !== mode;
  });
}

/** The clear values, for the wire. Call it at the last moment. */
export function revealAll(credentials: Credentials): Record<string, string> {
  const clear = { ...credentials.plain };
  for (const [name, secret] of Object.entries(credentials.secrets)) clear[name] = secret.reveal();
  return clear;
}
