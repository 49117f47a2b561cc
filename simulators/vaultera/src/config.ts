/** Settings of one simulator. Durations are milliseconds. */
export type Config = {
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** Folder of the journal, the vault key and the sealed cards. */
  dataDir: string;
  /** How long a target may take to answer a `send`, whole reply included. */
  sendTimeoutMs: number;
  /** Lets `send` reach http:// and https:// targets on this machine; the real service would refuse. */
  allowLoopbackTargets: boolean;
  /** Host names (or host:port) that `send` may reach whatever their scheme or address, e.g. a container's name. */
  allowedTargetHosts: string[];
};

const DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  // The vendor's own code waits 60 s for a send.
  sendTimeoutMs: 60_000,
  allowLoopbackTargets: true,
  allowedTargetHosts: [],
} satisfies Omit<Config, 'dataDir'>;

const SEND_TIMEOUT_MAX_MS = 600_000;

export function configOf(chosen: Partial<Config> & { dataDir: string }): Config {
  return { ...DEFAULTS, ...chosen };
}

export function readEnv(): NodeJS.ProcessEnv {
  return process.env;
}

/** Checks the environment; a missing or malformed variable throws, so the simulator does not start. */
export function envToConfig(env: NodeJS.ProcessEnv): Config {
  const dataDir = env.DATA_DIR;
  if (!dataDir) throw new Error('DATA_DIR is required: the folder of the journal and the sealed cards');
  return {
    host: env.HOST ?? DEFAULTS.host,
    port: wholeNumber(env.PORT, 'PORT', DEFAULTS.port, 0, 65_535),
    dataDir,
    sendTimeoutMs: wholeNumber(
      env.SEND_TIMEOUT_MS,
      'SEND_TIMEOUT_MS',
      DEFAULTS.sendTimeoutMs,
      1,
      SEND_TIMEOUT_MAX_MS,
    ),
    allowLoopbackTargets: yesOrNo(
      env.ALLOW_LOOPBACK_TARGETS,
      'ALLOW_LOOPBACK_TARGETS',
      DEFAULTS.allowLoopbackTargets,
    ),
    allowedTargetHosts: listOf(env.ALLOWED_TARGET_HOSTS),
  };
}

function wholeNumber(
  text: string | undefined,
  name: string,
  fallback: number,
  min: number,
  max: number,
): number {
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new Error(`${name} must be a whole number from ${min} to ${max}`);
  }
  return value;
}

function yesOrNo(text: string | undefined, name: string, fallback: boolean): boolean {
  if (text === undefined || text === '') return fallback;
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new Error(`${name} must be true or false`);
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((host) => host.trim().toLowerCase())
    .filter((host) => host !== '');
}
