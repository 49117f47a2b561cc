import { createSecureContext } from 'node:tls';
import type { PeerCertificate, SecureContext, SecureContextOptions } from 'node:tls';
import { CallCredentials, ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import type { experimental } from '@grpc/grpc-js';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { checkTls, readTlsFiles, readTlsFilesAgain, serviceNameOf } from './tls.ts';
import type { TlsFiles, TlsTexts } from './tls.ts';

/** This process's side of every gRPC connection, kept up to date with its files. */
export type Tls = {
  /** Whose certificate it is. */
  name: string;
  serverCredentials: ServerCredentials;
  /** Connects to the service of that name, and to no other. */
  credentialsFor(server: string): ChannelCredentials;
  /** Looks at the files now; otherwise every `reloadMs`. */
  reload(): Promise<void>;
  close(): void;
};

type Parts = {
  /** Whose certificate it must be. */
  name: string;
  log: Logger;
  /** Without it nothing is measured: short-lived tools. */
  metrics?: Metrics;
};

/**
 * Reads the certificate of `name`; throws ConfigError when it cannot be used. Swapped files are taken up within `reloadMs`,
 * in any order: until they fit each other the old ones stay. Connections that stand are not touched.
 */
export function loadTls(files: TlsFiles, parts: Parts): Tls {
  const { name, log } = parts;
  const expiry = parts.metrics?.gauge(
    'centra_tls_certificate_expiry_seconds',
    'When the certificate in use for gRPC expires, in Unix time',
    [],
  );
  let texts = readTlsFiles(files);
  const first = checkTls(texts, name);
  let secureContext = createSecureContext(first.context);
  expiry?.set(first.expiresAt.getTime() / 1000);
  const server = new OwnServerCredentials(first.context);
  const channels = createChannelCredentials(() => secureContext);
  const reload = async (): Promise<void> => {
    try {
      const found = await readTlsFilesAgain(files);
      if (isSame(found, texts)) return;
      const next = checkTls(found, name);
      secureContext = createSecureContext(next.context);
      server.replace(next.context);
      texts = found;
      expiry?.set(next.expiresAt.getTime() / 1000);
      log.info({ expiresAt: next.expiresAt }, 'new certificate for gRPC');
    } catch (error) {
      log.error({ err: error }, 'certificate files cannot be used; the old ones stay');
    }
  };
  const timer = setInterval(() => void reload(), files.reloadMs);
  // A process whose work is done does not stay for its certificate.
  timer.unref();
  return {
    name,
    serverCredentials: server,
    credentialsFor: channels,
    reload,
    close: () => clearInterval(timer),
  };
}

function isSame(one: TlsTexts, other: TlsTexts): boolean {
  return one.cert === other.cert && one.key === other.key && one.ca === other.ca;
}

// A handshake takes 2 ms. Peers that do not finish one hold a socket; 10 s is enough for a machine that hangs.
const HANDSHAKE_TIMEOUT_MS = 10_000;

class OwnServerCredentials extends ServerCredentials {
  constructor(context: SecureContextOptions) {
    super({ requestCert: true, rejectUnauthorized: true, handshakeTimeout: HANDSHAKE_TIMEOUT_MS }, context);
  }

  replace(context: SecureContextOptions): void {
    this.updateSecureContextOptions(context);
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/** One instance for each peer: connections to it are shared by it. */
function createChannelCredentials(current: () => SecureContext): (server: string) => ChannelCredentials {
  const known = new Map<string, ChannelCredentials>();
  return (server) => {
    const made = known.get(server) ?? new OwnChannelCredentials(current, server);
    known.set(server, made);
    return made;
  };
}

class OwnChannelCredentials extends ChannelCredentials {
  readonly #current: () => SecureContext;
  readonly #server: string;

  constructor(current: () => SecureContext, server: string) {
    super();
    this.#current = current;
    this.#server = server;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  /** Kept by the library for the life of a channel, so each connection asks anew which certificate is ours. */
  override _createSecureConnector(
    ...[target, options, callCredentials]: ConnectorOf
  ): experimental.SecureConnector {
    const callsToo = callCredentials ?? CallCredentials.createEmpty();
    const checkServerIdentity = (_host: string, certificate: PeerCertificate): Error | undefined =>
      wrongServer(this.#server, certificate);
    return {
      connect: async (socket) => {
        const fixed = ChannelCredentials.createFromSecureContext(this.#current(), { checkServerIdentity });
        // The library's name for what credentials are made of; there is no other way to lend it a certificate for one connection.
        // oxlint-disable-next-line no-underscore-dangle
        return await inTime(socket, fixed._createSecureConnector(target, options).connect(socket));
      },
      waitForReady: async () => {},
      getCallCredentials: () => callsToo,
      destroy: () => {},
    };
  }
}

type ConnectorOf = Parameters<ChannelCredentials['_createSecureConnector']>;
type RawSocket = Parameters<experimental.SecureConnector['connect']>[0];

/** The library waits forever for a peer that accepts a connection and never answers: the channel would never recover. */
async function inTime<T>(socket: RawSocket, handshake: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error('the TLS handshake took too long'));
    socket.destroy();
  }, HANDSHAKE_TIMEOUT_MS);
  // A socket that ends during the handshake is not always an error to the library.
  const onClose = (): void => reject(new Error('the connection ended during the TLS handshake'));
  socket.once('close', onClose);
  try {
    return await Promise.race([handshake, late]);
  } finally {
    clearTimeout(timer);
    socket.removeListener('close', onClose);
  }
}

/** The certificate is one that we trust; this is about whose it is. */
function wrongServer(server: string, { subjectaltname }: PeerCertificate): Error | undefined {
  const name = serviceNameOf(subjectaltname);
  return name === server ? undefined : new Error(`the peer is ${name ?? 'not one of us'} and not ${server}`);
}
