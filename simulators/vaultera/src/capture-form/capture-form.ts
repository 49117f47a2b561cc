import { acceptedTypes } from '../assumptions.ts';
import type { Action } from '../call.ts';
import { queryValue } from '../call.ts';
import { findSession } from '../sessions/session-token.ts';
import { captureFormPage } from './capture-form-page.ts';

/** `GET /capture_form?session_token=`: the form for an iframe. Looking at it does not spend the session. */
export function captureForm(): Action {
  const page = captureFormPage();
  return (ctx, call) => {
    const session = findSession(ctx, queryValue(call, 'session_token'), 'card');
    call.accountId = session.account_id;
    const accepted = acceptedTypes(queryValue(call, 'only'), queryValue(call, 'except'));
    return page.read({ accepted, clockOffsetMs: ctx.clock.offsetMs });
  };
}
