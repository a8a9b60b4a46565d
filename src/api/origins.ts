import type { IncomingHttpHeaders } from 'node:http';
import type { AppKeys, Caller } from './components.ts';

/** Which web origins may call the API from a browser: those of the configuration, and those of each app-key. */
export class Origins {
  readonly #configured: readonly string[];
  readonly #appKeys: Pick<AppKeys, 'list'>;
  readonly #now: () => number;

  constructor(configured: readonly string[], appKeys: Pick<AppKeys, 'list'>, now: () => number) {
    this.#configured = configured;
    this.#appKeys = appKeys;
    this.#now = now;
  }

  /**
   * Without a caller (a preflight carries no key, and a wrong key is nobody's) it is enough that somebody may call from
   * there; what is done then is still refused to a key that may not.
   */
  async allows(origin: string, caller: Caller | undefined): Promise<boolean> {
    if (includes(this.#configured, origin)) return true;
    if (caller !== undefined) return includes(caller.corsOrigins ?? [], origin);
    const now = this.#now();
    const keys = await this.#appKeys.list();
    return keys.some(
      ({ corsOrigins = [], revokedAt, expiresAt = Infinity }) =>
        revokedAt === undefined && expiresAt > now && includes(corsOrigins, origin),
    );
  }
}

/** Of what page a request comes, unless it is of no page or of one that this very server has served. */
export function foreignOrigin({ origin, host }: IncomingHttpHeaders): string | undefined {
  const isOwn = origin !== undefined && host !== undefined && URL.parse(origin)?.host === host;
  return isOwn ? undefined : origin;
}

function includes(list: readonly string[], origin: string): boolean {
  return list.includes('*') || list.includes(origin);
}
