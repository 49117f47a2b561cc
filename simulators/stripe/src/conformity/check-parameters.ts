import { checkObject } from './notation.ts';
import { REQUEST_PARAMETERS } from './request-parameters.ts';

/**
 * How the parameters of a call differ from what the SDK's types allow: unknown, missing or of a wrong type. Numbers and
 * booleans may be texts, as they are in a form. `path` is a real one (`/v1/payment_intents/pi_1/confirm`) or has `:id`.
 * Throws for a call that REQUEST_PARAMETERS does not have.
 */
export function checkParameters(method: string, path: string, params: unknown): string[] {
  const name = callOf(method.toUpperCase(), path);
  if (name === undefined) throw new Error(`no parameters are known for ${method} ${path}`);
  return checkObject(REQUEST_PARAMETERS, name, params, 'params', { asText: true });
}

function callOf(method: string, path: string): string | undefined {
  const asked = path.split('/');
  const calls = Object.keys(REQUEST_PARAMETERS).filter((name) => name.startsWith(`${method} /`));
  return calls.find((name) => {
    const steps = name.slice(method.length + 1).split('/');
    return (
      steps.length === asked.length && steps.every((step, at) => step === asked[at] || isId(step, asked[at]))
    );
  });
}

function isId(step: string, asked: string | undefined): boolean {
  return step === ':id' && asked !== undefined && asked !== '';
}
