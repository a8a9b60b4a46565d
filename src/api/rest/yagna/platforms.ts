import type { PaymentDriver } from '../../../interface/index.ts';

type Driver = Pick<PaymentDriver, 'platform' | 'decimals' | 'symbol'>;

/** Payment platforms under the names that clients of Yagna know. */
export class Platforms {
  readonly #names: ReadonlyMap<string, Driver>;

  /** `names`: client's name → platform of ours; a platform is also known under its own name. */
  constructor(names: Readonly<Record<string, string>>, drivers: readonly Driver[]) {
    const byPlatform = new Map(drivers.map((driver) => [driver.platform, driver]));
    const known = Object.entries(names).flatMap(([name, platform]): [string, Driver][] => {
      const driver = byPlatform.get(platform);
      return driver === undefined ? [] : [[name, driver]];
    });
    this.#names = new Map([...known, ...byPlatform]);
  }

  find(name: string): Driver | undefined {
    return this.#names.get(name);
  }

  /** All names, those of the configuration first. */
  names(): string[] {
    return [...this.#names.keys()];
  }

  /** The client's names of a platform of ours, its own name last. */
  namesOf(platform: string): string[] {
    const found = this.names().filter((name) => this.#names.get(name)?.platform === platform);
    return found.length > 0 ? found : [platform];
  }

  decimalsOf(platform: string): number {
    return this.#names.get(platform)?.decimals ?? 18;
  }
}

/** Yagna's parts of a platform's name: `erc20-holesky-tglm`. */
export function platformParts(name: string): { driver: string; network: string; token: string } {
  const [driver = name, network = '', ...token] = name.split('-');
  return { driver, network, token: token.join('-') };
}
