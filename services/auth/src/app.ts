import { AppError } from '@centra/service-kit/errors.ts';
import {
  identityOf,
  jsonBody,
  notFound,
  problemErrors,
  refuseQuery,
  requestContext,
  requireGateway,
  requireIdentity,
  requireUser,
} from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Permission } from '@centra/service-kit/permissions.ts';
import express from 'express';
import type { Express, NextFunction, Request, RequestHandler, Response } from 'express';
import { changePassword } from './accounts/change-password.ts';
import { forgotPassword } from './accounts/forgot-password.ts';
import { getMe } from './accounts/get-me.ts';
import { register } from './accounts/register.ts';
import { resendVerification } from './accounts/resend-verification.ts';
import { resetPassword } from './accounts/reset-password.ts';
import { updateMe } from './accounts/update-me.ts';
import { verifyEmail } from './accounts/verify-email.ts';
import { createApiKey } from './api-keys/create-api-key.ts';
import { getApiKeyUsage } from './api-keys/get-api-key-usage.ts';
import { getApiKey } from './api-keys/get-api-key.ts';
import { listApiKeys } from './api-keys/list-api-keys.ts';
import { revokeApiKey } from './api-keys/revoke-api-key.ts';
import { rotateApiKey } from './api-keys/rotate-api-key.ts';
import { auditDenials } from './audit/audit-denials.ts';
import { addFactor } from './factors/add-factor.ts';
import { confirmFactor } from './factors/confirm-factor.ts';
import { listFactors } from './factors/list-factors.ts';
import { removeFactor } from './factors/remove-factor.ts';
import { renewRecoveryCodes } from './factors/renew-recovery-codes.ts';
import { createInvitation } from './invitations/create-invitation.ts';
import { listInvitations } from './invitations/list-invitations.ts';
import { resendInvitation } from './invitations/resend-invitation.ts';
import { revokeInvitation } from './invitations/revoke-invitation.ts';
import { previewInvitation } from './invitations/preview-invitation.ts';
import { registerByInvitation } from './invitations/register-by-invitation.ts';
import { acceptInvitation } from './invitations/accept-invitation.ts';
import { getUser } from './members/get-user.ts';
import { listUsers } from './members/list-users.ts';
import { removeUser } from './members/remove-user.ts';
import { restoreUser } from './members/restore-user.ts';
import { setUserRole } from './members/set-user-role.ts';
import { suspendUser } from './members/suspend-user.ts';
import { transferOwnership } from './members/transfer-ownership.ts';
import { createRole } from './roles/create-role.ts';
import { deleteRole } from './roles/delete-role.ts';
import { getRole } from './roles/get-role.ts';
import { listRoles } from './roles/list-roles.ts';
import { updateRole } from './roles/update-role.ts';
import { getSecurity } from './security/get-security.ts';
import { updateSecurity } from './security/update-security.ts';
import { endSession } from './sessions/end-session.ts';
import { listSessions } from './sessions/list-sessions.ts';
import { loginWithFactor } from './sessions/login-with-factor.ts';
import { login } from './sessions/login.ts';
import { logout } from './sessions/logout.ts';
import { refresh } from './sessions/refresh.ts';
import { getJwks } from './tokens/get-jwks.ts';
import type { Context } from './context.ts';

/** The HTTP side, reached through the gateway only: without its signed word every route answers 401. */
export function createApp(context: Context): Express {
  const app = express();
  app.disable('x-powered-by');
  // One spelling of each path, so that the gateway's rules and ours cannot differ on which route is meant.
  app.enable('case sensitive routing');
  app.enable('strict routing');
  const body = jsonBody();
  /** Needs no credential: who asks proves by what they send. */
  const anyone = [requireGateway(context.verifier), noQuery];
  /** A person who logged in, for what is their own; for lists, which take parameters, `personLists`. */
  const personLists = requireUser(context.verifier);
  const person = [personLists, noQuery];
  /** Somebody who may do that at the hotel; for lists `mayList`. */
  const mayList = (permission: Permission): RequestHandler => requireIdentity(context.verifier, permission);
  const may = (permission: Permission): RequestHandler[] => [mayList(permission), noQuery];

  app.use(requestContext(context.metrics, context.log));
  app.get('/.well-known/jwks.json', anyone, getJwks(context));

  app.post('/v1/auth/register', anyone, body, register(context));
  app.post('/v1/auth/verify-email', anyone, body, verifyEmail(context));
  app.post('/v1/auth/verify-email/resend', anyone, body, resendVerification(context));
  app.post('/v1/auth/login', anyone, body, login(context));
  app.post('/v1/auth/login/factor', anyone, body, loginWithFactor(context));
  app.post('/v1/auth/refresh', anyone, body, refresh(context));
  app.post('/v1/auth/password/forgot', anyone, body, forgotPassword(context));
  app.post('/v1/auth/password/reset', anyone, body, resetPassword(context));

  app.get('/v1/auth/me', person, getMe(context));
  app.post('/v1/auth/me', person, body, updateMe(context));
  app.post('/v1/auth/logout', person, logout(context));
  app.post('/v1/auth/password', person, body, changePassword(context));
  app.get('/v1/auth/sessions', personLists, listSessions(context));
  app.delete('/v1/auth/sessions/:id', person, endSession(context));
  app.get('/v1/auth/factors', personLists, listFactors(context));
  app.post('/v1/auth/factors', person, body, addFactor(context));
  app.post('/v1/auth/factors/recovery-codes', person, body, renewRecoveryCodes(context));
  app.post('/v1/auth/factors/:id/confirm', person, body, confirmFactor(context));
  app.post('/v1/auth/factors/:id/remove', person, body, removeFactor(context));

  app.get('/v1/users', mayList('users:read'), listUsers(context));
  app.get('/v1/users/:id', may('users:read'), getUser(context));
  app.post('/v1/users/:id/role', may('users:write'), body, setUserRole(context));
  app.post('/v1/users/:id/suspend', may('users:write'), suspendUser(context));
  app.post('/v1/users/:id/restore', may('users:write'), restoreUser(context));
  app.delete('/v1/users/:id', may('users:write'), removeUser(context));
  // The same people, by the hotel's own address.
  const ownHotel = onlyOwnHotel();
  const member = '/v1/merchants/:merchant/members';
  app.get(member, mayList('users:read'), ownHotel, listUsers(context));
  app.get(`${member}/:id`, may('users:read'), ownHotel, getUser(context));
  app.post(`${member}/:id/role`, may('users:write'), ownHotel, body, setUserRole(context));
  app.post(`${member}/:id/suspend`, may('users:write'), ownHotel, suspendUser(context));
  app.post(`${member}/:id/restore`, may('users:write'), ownHotel, restoreUser(context));
  app.delete(`${member}/:id`, may('users:write'), ownHotel, removeUser(context));
  const hotel = '/v1/merchants/:merchant';
  app.post(`${hotel}/transfer-ownership`, may('users:write'), ownHotel, body, transferOwnership(context));
  app.get(`${hotel}/invitations`, mayList('users:read'), ownHotel, listInvitations(context));
  app.post(`${hotel}/invitations`, may('users:write'), ownHotel, body, createInvitation(context));
  app.post(`${hotel}/invitations/:id/resend`, may('users:write'), ownHotel, resendInvitation(context));
  app.delete(`${hotel}/invitations/:id`, may('users:write'), ownHotel, revokeInvitation(context));
  app.post('/v1/invitations/preview', anyone, body, previewInvitation(context));
  app.post('/v1/invitations/register', anyone, body, registerByInvitation(context));
  app.post('/v1/invitations/accept', person, body, acceptInvitation(context));

  app.get('/v1/roles', mayList('roles:read'), listRoles(context));
  app.post('/v1/roles', may('roles:write'), body, createRole(context));
  app.get('/v1/roles/:id', may('roles:read'), getRole(context));
  app.post('/v1/roles/:id', may('roles:write'), body, updateRole(context));
  app.delete('/v1/roles/:id', may('roles:write'), deleteRole(context));
  app.get('/v1/security', may('security:read'), getSecurity(context));
  app.post('/v1/security', may('security:write'), body, updateSecurity(context));

  app.post('/v1/api-keys', may('api_keys:write'), body, createApiKey(context));
  app.get('/v1/api-keys', mayList('api_keys:read'), listApiKeys(context));
  app.get('/v1/api-keys/:id', may('api_keys:read'), getApiKey(context));
  app.get('/v1/api-keys/:id/usage', mayList('api_keys:read'), getApiKeyUsage(context));
  app.post('/v1/api-keys/:id/rotate', may('api_keys:write'), body, rotateApiKey(context));
  app.delete('/v1/api-keys/:id', may('api_keys:write'), revokeApiKey(context));

  app.use(notFound());
  app.use(auditDenials(context));
  app.use(problemErrors(context.log));
  return app;
}

/** Behind the check of who asks: a parameter that the route does not have is 400. */
function noQuery(request: Request, _response: Response, next: NextFunction): void {
  refuseQuery(request);
  next();
}

/** The hotel in a path is the credential's own; any other is 404, like one that does not exist. */
function onlyOwnHotel(): RequestHandler {
  return (request, _response, next) => {
    if (fromPublicId('mer', String(request.params['merchant'])) !== identityOf(request).merchantId)
      throw new AppError('not_found');
    next();
  };
}
