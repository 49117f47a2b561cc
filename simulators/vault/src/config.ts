/** Settings of one simulated server. */
export type Config = {
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** Where keys, roles, policies and tokens survive a restart; undefined keeps them in memory only. */
  dataDir: string | undefined;
  /** The root token, as `-dev-root-token-id` sets it. */
  rootToken: string;
  /** The only namespace that answers, as an Enterprise server has it; undefined serves requests without one. */
  namespace: string | undefined;
  /** URL of the active node: this one is a standby, which redirects everything there. */
  standbyOf: string | undefined;
};

const DEFAULTS: Config = {
  host: '127.0.0.1',
  port: 0,
  dataDir: undefined,
  rootToken: 'root',
  namespace: undefined,
  standbyOf: undefined,
};

export function configOf(chosen: Partial<Config>): Config {
  return { ...DEFAULTS, ...chosen };
}

export function readEnv(): NodeJS.ProcessEnv {
  return process.env;
}

/** Checks the environment; a malformed variable throws, so the simulator does not start. */
export function envToConfig(env: NodeJS.ProcessEnv): Config {
  const port = Number(env.PORT ?? '8200');
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error('PORT must be a whole number from 0 to 65535');
  const standbyOf = env.STANDBY_OF === '' ? undefined : env.STANDBY_OF;
  if (standbyOf !== undefined && !URL.canParse(standbyOf)) throw new Error('STANDBY_OF must be a URL');
  return configOf({
    host: env.HOST ?? DEFAULTS.host,
    port,
    dataDir: env.DATA_DIR === '' ? undefined : env.DATA_DIR,
    rootToken: env.ROOT_TOKEN ?? DEFAULTS.rootToken,
    namespace: env.NAMESPACE === '' ? undefined : env.NAMESPACE,
    standbyOf,
  });
}
