import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { associatedData } from '@centra/service-kit/associated-data.ts';
import type { Keyring } from '@centra/service-kit/keyring.ts';
import { PERMISSIONS } from '@centra/service-kit/permissions.ts';
import { z } from 'zod';
import type { Grant } from './grant.ts';

/** A grant and the database's time (Unix ms) just before it was read. */
export type ReadGrant = { grant: Grant; readAt: number };

export type GrantSealer = {
  /** `<authentication code>.<JSON>`, good under that key only. */
  seal(key: string, read: ReadGrant): string;
  /** Undefined for what we did not write, or wrote under another key. */
  open(key: string, text: string): ReadGrant | undefined;
};

const storedSchema = z.strictObject({
  permissions: z.array(z.enum(PERMISSIONS)),
  barrier: z.enum(['suspended', 'second_factor']).nullable(),
  session_expires_at: z.number(),
  read_at: z.number(),
});

/**
 * Whoever may write to Redis must not be able to let anybody in: a value counts only with our code over it and its key. The
 * code's key comes from the keyring, which Redis never sees. An old value put back is caught by its time.
 */
export function createGrantSealer(keyring: Keyring): GrantSealer {
  const master = keyring.key(keyring.activeKeyId);
  const codeKey = Buffer.from(hkdfSync('sha256', master, '', 'centra auth grant cache 1', 32));
  const codeOf = (key: string, json: string): Buffer =>
    createHmac('sha256', codeKey).update(associatedData(key, json)).digest();
  return {
    seal(key, { grant, readAt }) {
      const stored: z.infer<typeof storedSchema> = {
        permissions: [...grant.permissions],
        barrier: grant.barrier ?? null,
        session_expires_at: grant.sessionExpiresAt.getTime(),
        read_at: readAt,
      };
      const json = JSON.stringify(stored);
      return `${codeOf(key, json).toString('base64url')}.${json}`;
    },
    open(key, text) {
      const dot = text.indexOf('.');
      const json = text.slice(dot + 1);
      const code = Buffer.from(text.slice(0, Math.max(dot, 0)), 'base64url');
      const expected = codeOf(key, json);
      if (code.length !== expected.length || !timingSafeEqual(code, expected)) return undefined;
      // Another release's form is no grant of ours either.
      const { data } = storedSchema.safeParse(JSON.parse(json));
      if (data === undefined) return undefined;
      return {
        grant: {
          permissions: data.permissions,
          barrier: data.barrier ?? undefined,
          sessionExpiresAt: new Date(data.session_expires_at),
        },
        readAt: data.read_at,
      };
    },
  };
}
