/** Variables that are no settings. */
export const OTHER_VARIABLES: Readonly<Record<string, string>> = {
  ERGON_CONFIG: 'Path of the configuration file; without it `<dataDir>/config.json` is read if it exists',
  ERGON_PASSPHRASE: 'Passphrase of the keystore; never written down by the daemon',
  ERGON_APP_KEY: 'App-key that the CLI uses',
  ERGON_API_URL: 'REST API that the CLI talks to, e.g. `http://127.0.0.1:7465`',
  YAGNA_APPKEY: 'App-key that `gftp` uses, before ERGON_APP_KEY',
  YAGNA_API_URL: 'REST API that `gftp` talks to, before ERGON_API_URL',
};

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What only the environment says. */
export interface Secrets {
  readonly passphrase?: string;
}

/** What must not stand in a configuration that may be printed. */
export function secrets(env: Environment = process.env): Secrets {
  const passphrase = env['ERGON_PASSPHRASE'];
  return passphrase === undefined || passphrase === '' ? {} : { passphrase };
}

/** Where a daemon is, and the key for it. */
export interface ClientEnvironment {
  readonly appKey?: string;
  readonly apiUrl?: string;
}

/** What the CLI takes from the environment to reach a daemon. */
export function clientEnvironment(env: Environment = process.env): ClientEnvironment {
  const { ERGON_APP_KEY: appKey, ERGON_API_URL: apiUrl } = env;
  return { ...(appKey === undefined ? {} : { appKey }), ...(apiUrl === undefined ? {} : { apiUrl }) };
}

/** The same for `gftp`, which programs start that know a daemon by Yagna's variables. */
export function gftpEnvironment(env: Environment = process.env): ClientEnvironment {
  const { YAGNA_APPKEY: appKey, YAGNA_API_URL: apiUrl } = env;
  return {
    ...clientEnvironment(env),
    ...(appKey === undefined ? {} : { appKey }),
    ...(apiUrl === undefined ? {} : { apiUrl }),
  };
}
