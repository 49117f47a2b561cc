import type { Request, Response } from 'express';
import { contextOf, identityOf, parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { checkCredentials } from './check-credentials.ts';
import type { CredentialsCheck } from './check-credentials.ts';
import { parseCredentials } from './credentials.ts';
import { PROVIDER_NAMES, providerNamed } from './providers.ts';
import {
  credentialsSchema,
  modeOf,
  modeSchema,
  requireProviderMode,
  testResultSchema,
} from './provider-account.ts';

export const testCredentialsSchema = z
  .strictObject({
    provider: z.enum(PROVIDER_NAMES).meta({ example: 'stripe' }),
    mode: modeSchema.optional(),
    credentials: credentialsSchema,
  })
  .meta({ id: 'TestCredentials' });

export const credentialsTestSchema = z
  .object({
    result: testResultSchema,
    message: z.string().meta({ description: 'What is wrong, in words for hotel staff' }),
    account_name: z
      .string()
      .nullable()
      .meta({ description: 'How the provider names the account, when it tells' }),
  })
  .meta({ id: 'CredentialsTest' });

/** POST /v1/provider-accounts/test: asks the provider and stores nothing. */
export async function testCredentials(context: Context, request: Request, response: Response): Promise<void> {
  const body = parseWith(testCredentialsSchema, request.body);
  const mode = modeOf(identityOf(request), body.mode);
  requireProviderMode(body.provider, mode);
  const provider = providerNamed(body.provider);
  const credentials = parseCredentials(provider, body.credentials);
  const check = await checkCredentials(context, contextOf(request).requestId, provider, mode, credentials);
  response.json(checkToJson(check));
}

/** The public form of a check. */
export function checkToJson({ result, message, accountName }: CredentialsCheck): Record<string, unknown> {
  return { result, message, account_name: accountName };
}
