import { randomUUID } from 'node:crypto';
import { createChecker, noAnswer } from '../credential-check.ts';
import type { CheckOptions, CredentialChecker } from '../credential-check.ts';

const LABEL = 'CMI';

/**
 * Asks CMI's gate, with the XML of its platform's order-status query, for an order that cannot exist. The query is not in
 * CMI's public papers; it is that of the platform CMI runs on (docs/providers/test-connection.md says what is assumed).
 */
export function createCmiCheck(options: CheckOptions): CredentialChecker {
  return createChecker({ ...options, label: LABEL }, async (ask, mode, credentials) => {
    const order = `connection-test-${randomUUID()}`;
    const reply = await ask({
      method: 'POST',
      path: '/fim/api',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/xml' },
      body: new URLSearchParams({ DATA: statusQuery(credentials, order) }).toString(),
    });
    const answer = verdictOf(reply.body, order);
    if (reply.status === 401 || reply.status === 403 || (reply.status === 200 && answer === 'refused'))
      return {
        result: 'rejected',
        message: `CMI does not accept this Client ID with this API user and API password. Check all three in the merchant centre of the ${mode === 'live' ? 'production' : 'test'} platform, and that the user has the role API.`,
        accountName: '',
      };
    if (reply.status !== 200 || answer !== 'looked') return noAnswer(LABEL);
    return {
      result: 'ok',
      message: 'CMI accepts the Client ID and the API user. The Store key is proven by the first payment.',
      accountName: '',
    };
  });
}

function statusQuery(credentials: ReadonlyMap<string, string>, order: string): string {
  const value = (name: string): string => escapeXml(credentials.get(name) ?? '');
  return (
    '<?xml version="1.0" encoding="UTF-8"?><CC5Request>' +
    `<Name>${value('api_user')}</Name><Password>${value('api_password')}</Password>` +
    `<ClientId>${value('client_id')}</ClientId><OrderId>${order}</OrderId>` +
    '<Extra><ORDERSTATUS>QUERY</ORDERSTATUS></Extra></CC5Request>'
  );
}

function escapeXml(text: string): string {
  return text.replaceAll(/[<>&'"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/**
 * `Declined` (no such order) and `Approved` come after the login was checked, `Error` before, unless its words name the
 * order that was asked about. Read by two patterns: no XML parser, so nothing in the answer can make one fetch anything.
 */
function verdictOf(body: string, order: string): 'looked' | 'refused' | undefined {
  if (!body.includes('<CC5Response>')) return undefined;
  const response = /<Response>(Approved|Declined|Error)<\/Response>/.exec(body)?.[1];
  if (response === undefined) return undefined;
  const says = /<ErrMsg>([^<]*)<\/ErrMsg>/.exec(body)?.[1] ?? '';
  return response === 'Error' && !says.includes(order) ? 'refused' : 'looked';
}
