import { z } from 'zod';

const secondFactorRequired = z.boolean().meta({
  description:
    'Whether people may work here only in a session with a second factor; API keys are not concerned',
});

export const securitySchema = z
  .object({ second_factor_required: secondFactorRequired })
  .meta({ id: 'Security', description: 'What holds for everybody at the hotel' });

export const updateSecuritySchema = z
  .strictObject({ second_factor_required: secondFactorRequired })
  .meta({ id: 'UpdateSecurity', description: 'What is to hold for everybody at the hotel' });

/** The public form. */
export function toJson(isSecondFactorRequired: boolean): z.infer<typeof securitySchema> {
  return { second_factor_required: isSecondFactorRequired };
}
