import path from 'node:path';
import type { DeployNetwork } from '../../../src/interface/vpn.ts';
import type { Logger } from '../../../src/interface/logger.ts';
import { parseIpv4 } from '../../../src/util/ipv4.ts';
import type { Handle } from '../handle.ts';
import { openTunnel, type Tunnel } from './tunnel.ts';

/** What of a network a container needs. */
export type ContainerNetwork = NonNullable<Handle['networks']>[number];

/** An activity's network as the handle keeps it: numbers in place of dotted text. */
export function containerNetwork({ nodeIp, mask }: DeployNetwork): ContainerNetwork {
  return { address: parseIpv4(nodeIp) ?? 0, mask: parseIpv4(mask) ?? 0 };
}

/** The networks of one container. */
export class Tunnels {
  readonly #handle: Pick<Handle, 'workDir' | 'networks'>;
  readonly #logger: Logger;
  #open: Tunnel[] = [];

  constructor(handle: Pick<Handle, 'workDir' | 'networks'>, { logger }: { logger: Logger }) {
    this.#handle = handle;
    this.#logger = logger;
  }

  /** Brings them all into the namespace of the process, or none. @throws RuntimeError ERR_RUNTIME_NETWORK */
  async open(pid: number): Promise<void> {
    await this.close();
    try {
      for (const [index, { address, mask }] of (this.#handle.networks ?? []).entries()) {
        const directory = path.join(this.#handle.workDir, 'networks', String(index));
        const device = `vpn${index}`;
        this.#open.push(
          await openTunnel({ directory, pid, device, address, mask }, { logger: this.#logger }),
        );
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = [];
    await Promise.all(open.map((tunnel) => tunnel.close()));
  }
}
