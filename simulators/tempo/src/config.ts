/** Settings of one simulator. */
export type Config = {
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** Folder of the journal and the accounts. */
  dataDir: string;
};

export function readEnv(): NodeJS.ProcessEnv {
  return process.env;
}

/** Checks the environment; a missing or malformed variable throws, so the simulator does not start. */
export function envToConfig(env: NodeJS.ProcessEnv): Config {
  const dataDir = env['DATA_DIR'];
  if (!dataDir) throw new Error('DATA_DIR is required: the folder of the journal and the accounts');
  const port = Number(env['PORT'] ?? '0');
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error('PORT must be a whole number from 0 to 65535');
  return { host: env['HOST'] ?? '127.0.0.1', port, dataDir };
}
