import type { Network, Networks, Startable } from '../interface/index.ts';
import type { MembersComponents } from './provider/components.ts';
import { Members, type SoldActivities } from './provider/members.ts';
import { RequestorNetworks, type RequestorNetworksComponents } from './requestor/networks.ts';

export { VpnError, vpnErrors, type VpnErrorCode } from './errors.ts';
export type { SoldActivities } from './provider/members.ts';

export interface VpnComponents
  extends MembersComponents, Omit<RequestorNetworksComponents, 'network' | 'address'> {
  readonly network: Pick<Network, 'address' | 'request' | 'openStream' | 'handle' | 'handleStreams'>;
  /** Absent on a node that only buys. */
  readonly sold?: SoldActivities;
}

/** Networks between activities: this node's own, and those that its activities are in. */
export interface Vpn extends Startable {
  readonly networks: Networks;
}

/** Before the network starts: it brings protocols. */
export function vpn({ sold, ...components }: VpnComponents): Vpn {
  const { network } = components;
  const networks = new RequestorNetworks({ ...components, address: network.address });
  network.handle(networks.tables.protocol);
  const members = sold === undefined ? undefined : new Members(sold, components);
  return {
    networks,
    async start() {
      await networks.start();
      await members?.start();
    },
    async stop() {
      await members?.stop();
      await networks.stop();
    },
  };
}
