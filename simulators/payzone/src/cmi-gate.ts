import type { Request, Response } from 'express';
import { z } from 'zod';
import type { CmiAccount } from './account.ts';
import type { Context } from './context.ts';

/** POST /fim/api: the order-status query of CMI's platform. No order is made here yet, so none is found. */
export function answerGate(
  context: Context,
  mode: CmiAccount['mode'],
  request: Request,
  response: Response,
): void {
  const xml = z.object({ DATA: z.string() }).safeParse(request.body).data?.DATA ?? '';
  const order = element(xml, 'OrderId');
  const account = context.accounts.find(
    (each): each is CmiAccount =>
      each.provider === 'cmi' && each.mode === mode && each.client_id === element(xml, 'ClientId'),
  );
  const isKnown =
    account !== undefined &&
    account.state === 'valid' &&
    account.api_user === element(xml, 'Name') &&
    account.api_password === element(xml, 'Password');
  response.type('text/xml');
  if (!isKnown) return void response.send(reply('Error', '', 'Wrong user name or password'));
  if (element(xml, 'ORDERSTATUS') !== 'QUERY')
    return void response.send(reply('Error', order, 'Transaction type is not supported'));
  response.send(reply('Declined', order, `No record found for ${order}`));
}

function element(xml: string, name: string): string {
  const found = new RegExp(`<${name}>([^<]{0,200})</${name}>`).exec(xml)?.[1] ?? '';
  return found.replaceAll(/&#(\d{2,3});/g, (_whole, code: string) => String.fromCharCode(Number(code)));
}

function reply(response: string, order: string, words: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<CC5Response>
  <ErrMsg>${words}</ErrMsg>
  <ProcReturnCode>99</ProcReturnCode>
  <Response>${response}</Response>
  <OrderId>${/^[\w-]{0,64}$/.test(order) ? order : ''}</OrderId>
  <TransId></TransId>
  <Extra></Extra>
</CC5Response>
`;
}
