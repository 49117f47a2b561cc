import { timingSafeEqual } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

// What authenticator apps take without asking (RFC 6238 with its defaults); others ignore the fields and show wrong codes.
const ALGORITHM = 'SHA1';
const DIGITS = 6;
const PERIOD_S = 30;
// RFC 4226 §4 recommends 160 bits.
const SECRET_BYTES = 20;
// RFC 6238 §5.2: one step for clocks that differ and people who type slowly.
const STEPS_AROUND = [0, -1, 1];
const ISSUER = 'Centra Payments';

/** 160 random bits. */
export function newTotpSecret(): Secret {
  return new Secret({ size: SECRET_BYTES });
}

/** What an app reads from a QR code. */
export function toOtpauthUri(secret: Secret, email: string): string {
  return totpOf(secret, email).toString();
}

/** The time step whose code it is, one around the time at most; undefined for a wrong code. */
export function stepOfCode(secret: Uint8Array, code: string, atMs: number): number | undefined {
  const given = Buffer.from(code);
  const totp = totpOf(new Secret({ buffer: Uint8Array.from(secret).buffer }), '');
  const now = Math.floor(atMs / 1_000 / PERIOD_S);
  const matching = STEPS_AROUND.filter((around) => {
    const right = Buffer.from(totp.generate({ timestamp: (now + around) * PERIOD_S * 1_000 }));
    return given.length === right.length && timingSafeEqual(given, right);
  });
  return matching[0] === undefined ? undefined : now + matching[0];
}

function totpOf(secret: Secret, label: string): TOTP {
  return new TOTP({ issuer: ISSUER, label, algorithm: ALGORITHM, digits: DIGITS, period: PERIOD_S, secret });
}
