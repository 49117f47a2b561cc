import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Secret } from '@centra/service-kit/secret.ts';
import { z } from 'zod';
import { LOCALES } from '../accounts/user.ts';
import type { Locale } from '../accounts/user.ts';
import type { Context } from '../context.ts';
import { signAccessToken } from '../tokens/access-token.ts';

const timeSchema = z.iso.datetime({ offset: true });

export const tokensSchema = z
  .object({
    status: z.literal('logged_in'),
    access_token: z
      .string()
      .meta({ description: 'Send it as `Authorization: Bearer …`. It says who, not what.' }),
    token_type: z.literal('Bearer'),
    expires_at: timeSchema.meta({ description: 'When the access token ends. Refresh before.' }),
    refresh_token: z.string().meta({
      description:
        'Good once, for the next tokens. Keep it where scripts of others do not reach. One refresh at a time: a used one ' +
        'that is sent again ends the session.',
    }),
    refresh_expires_at: timeSchema.meta({ description: 'When the session ends without a refresh' }),
    session_id: z.string().meta({ example: 'ses_01jd0000000000000000000000' }),
    user: z.object({
      id: z.string().meta({ example: 'usr_01jd0000000000000000000000' }),
      email: z.string(),
      name: z.string(),
      locale: z.enum(LOCALES),
    }),
    merchant_id: z.string().nullable().meta({
      description: 'The hotel that the tokens are for; null for none',
      example: 'mer_01jd0000000000000000000000',
    }),
    mode: z.enum(['test', 'live']),
    second_factor: z.boolean().meta({ description: 'Whether a second factor was proved in the session' }),
  })
  .meta({ id: 'Tokens', description: 'Tokens of a session' });

export type TokenAnswer = z.infer<typeof tokensSchema>;

/** A session as its tokens tell of it. */
export type Granted = {
  person: { id: string; email: string; name: string; locale: Locale };
  sessionId: string;
  expiresAt: Date;
  merchantId: string | null;
  mode: 'test' | 'live';
  factorProved: boolean;
  refreshToken: Secret;
};

/** Signs the access token and puts the answer together. */
export async function issueTokens(context: Context, granted: Granted): Promise<TokenAnswer> {
  const { person, sessionId, merchantId, mode } = granted;
  const access = await signAccessToken(context, {
    userId: person.id,
    sessionId,
    merchantId: merchantId ?? undefined,
    mode,
  });
  return {
    status: 'logged_in',
    access_token: access.token,
    token_type: 'Bearer',
    expires_at: access.expiresAt.toISOString(),
    refresh_token: granted.refreshToken.reveal(),
    refresh_expires_at: granted.expiresAt.toISOString(),
    session_id: toPublicId('ses', sessionId),
    user: {
      id: toPublicId('usr', person.id),
      email: person.email,
      name: person.name,
      locale: person.locale,
    },
    merchant_id: merchantId === null ? null : toPublicId('mer', merchantId),
    mode,
    second_factor: granted.factorProved,
  };
}
