import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { AuthServiceService } from '@centra/proto/centra/auth/v1/auth.ts';
import type {
  AuthServiceServer,
  CheckPermissionRequest,
  CheckPermissionResponse,
  ListAuditEventsRequest,
  ListAuditEventsResponse,
  ListMembershipsRequest,
  ListMembershipsResponse,
  SetMemberRequest,
  SetMemberResponse,
  SetMerchantAccessRequest,
  SetMerchantAccessResponse,
} from '@centra/proto/centra/auth/v1/auth.ts';
import { listenGrpc, unary } from '@centra/service-kit/grpc.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createMetrics } from '@centra/service-kit/metrics.ts';
import { testTls } from '@centra/testkit/test-tls.ts';

type Answer<Req, Res> = (request: Req) => Promise<Res> | Res;

/** What auth answers; a test replaces the ones it cares about. A thrown AppError is a refusal, anything else a fault. */
export type AuthAnswers = {
  setMember: Answer<SetMemberRequest, SetMemberResponse>;
  setMerchantAccess: Answer<SetMerchantAccessRequest, SetMerchantAccessResponse>;
  checkPermission: Answer<CheckPermissionRequest, CheckPermissionResponse>;
  listMemberships: Answer<ListMembershipsRequest, ListMembershipsResponse>;
  listAuditEvents: Answer<ListAuditEventsRequest, ListAuditEventsResponse>;
};

/** What was asked, in order, also when the answer was a refusal. */
export type AuthAsked = {
  setMember: SetMemberRequest[];
  setMerchantAccess: SetMerchantAccessRequest[];
  checkPermission: CheckPermissionRequest[];
  listMemberships: ListMembershipsRequest[];
  listAuditEvents: ListAuditEventsRequest[];
};

/** The auth service as far as this service calls it, over the real transport. */
export type FakeAuth = {
  port: number;
  asked: AuthAsked;
  /** Assign to a member to change what is answered next. */
  answers: AuthAnswers;
  /** Every answer is what it was at first: grants work, nobody works anywhere, nothing is allowed, no event is there. */
  reset(): void;
  close(): Promise<void>;
};

const atFirst = (): AuthAnswers => ({
  setMember: ({ person }) => ({ userId: person?.$case === 'userId' ? person.value : '' }),
  setMerchantAccess: () => ({}),
  checkPermission: () => ({ allowed: false }),
  listMemberships: () => ({ memberships: [], hasMore: false }),
  listAuditEvents: () => ({ events: [], hasMore: false }),
});

/** Starts it on a free port with the certificate of auth. */
export async function startFakeAuth(): Promise<FakeAuth> {
  const asked: AuthAsked = {
    setMember: [],
    setMerchantAccess: [],
    checkPermission: [],
    listMemberships: [],
    listAuditEvents: [],
  };
  const answers = atFirst();
  const { port, server } = await listenGrpc([serviceOf(asked, answers)], {
    host: '127.0.0.1',
    port: 0,
    tls: testTls('auth'),
  });
  return {
    port,
    asked,
    answers,
    reset: () => void Object.assign(answers, atFirst()),
    close: () =>
      new Promise((resolve) => {
        server.tryShutdown(() => resolve());
        setTimeout(() => server.forceShutdown(), 1_000).unref();
      }),
  };
}

type Answered = Pick<AuthServiceServer, keyof AuthAnswers> & UntypedServiceImplementation;

function serviceOf(asked: AuthAsked, answers: AuthAnswers) {
  // As the real one: these are for the merchant service (and for operators, who do not come here).
  const options = {
    log: createLog('fake-auth', 'silent'),
    metrics: createMetrics('fake-auth'),
    callers: ['merchant'],
  };
  const implementation: Answered = {
    setMember: unary({ ...options, name: 'SetMember' }, async (request: SetMemberRequest) => {
      asked.setMember.push(request);
      return await answers.setMember(request);
    }),
    setMerchantAccess: unary(
      { ...options, name: 'SetMerchantAccess' },
      async (request: SetMerchantAccessRequest) => {
        asked.setMerchantAccess.push(request);
        return await answers.setMerchantAccess(request);
      },
    ),
    checkPermission: unary(
      { ...options, name: 'CheckPermission' },
      async (request: CheckPermissionRequest) => {
        asked.checkPermission.push(request);
        return await answers.checkPermission(request);
      },
    ),
    listMemberships: unary(
      { ...options, name: 'ListMemberships' },
      async (request: ListMembershipsRequest) => {
        asked.listMemberships.push(request);
        return await answers.listMemberships(request);
      },
    ),
    listAuditEvents: unary(
      { ...options, name: 'ListAuditEvents' },
      async (request: ListAuditEventsRequest) => {
        asked.listAuditEvents.push(request);
        return await answers.listAuditEvents(request);
      },
    ),
  };
  const { setMember, setMerchantAccess, checkPermission, listMemberships, listAuditEvents } =
    AuthServiceService;
  const definition = { setMember, setMerchantAccess, checkPermission, listMemberships, listAuditEvents };
  return { definition, implementation };
}
