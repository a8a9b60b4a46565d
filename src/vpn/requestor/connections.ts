import {
  isErgonError,
  type Clock,
  type Logger,
  type Network,
  type NetworkConnection,
  type PeerStream,
} from '../../interface/index.ts';
import { VpnError } from '../errors.ts';
import { encodeFrame, readHeader } from '../frames.ts';
import { checkConnectAnswer, CONNECT_PROTOCOL, decodeJson, encodeJson, type TableNode } from '../wire.ts';

const MAX_CONNECTIONS = 256;
const ANSWER_TIMEOUT_MS = 45_000;
/** Connections have no port here; clients are shown one of those that systems would take. */
const FIRST_PORT = 49_152;
const PORTS = 16_384;

interface Open {
  readonly networkId: string;
  readonly shown: NetworkConnection;
  readonly stream: PeerStream;
}

export interface ConnectionsComponents {
  readonly network: Pick<Network, 'openStream'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** TCP connections from this node into its networks, as far as they are open. */
export class Connections {
  readonly #components: ConnectionsComponents;
  readonly #open = new Set<Open>();
  #count = 0;

  constructor(components: ConnectionsComponents) {
    this.#components = components;
  }

  of(networkId: string): NetworkConnection[] {
    return [...this.#open].filter((open) => open.networkId === networkId).map(({ shown }) => shown);
  }

  /** @throws VpnError ERR_VPN_LIMIT, ERR_VPN_NO_ROUTE, ERR_VPN_CONNECT_FAILED */
  async connect(
    networkId: string,
    node: TableNode,
    { localIp, port }: { localIp: string; port: number },
    signal?: AbortSignal,
  ): Promise<PeerStream> {
    if (this.#open.size >= MAX_CONNECTIONS)
      throw new VpnError('ERR_VPN_LIMIT', `There are ${MAX_CONNECTIONS} connections already`);
    const { peerId, multiaddrs, ip } = node;
    const options = { multiaddrs, ...(signal !== undefined && { signal }) };
    const stream = await this.#components.network
      .openStream(peerId, CONNECT_PROTOCOL, options)
      .catch((cause: unknown) => {
        if (!isErgonError(cause)) throw cause;
        throw new VpnError(
          'ERR_VPN_NO_ROUTE',
          `The provider with ${ip} cannot be reached`,
          { ip },
          { cause },
        );
      });
    try {
      const body = await this.#greet(stream, { networkId, ip, port }, signal);
      const localPort = FIRST_PORT + (this.#count++ % PORTS);
      const open = { networkId, stream, shown: { localIp, localPort, remoteIp: ip, remotePort: port } };
      this.#open.add(open);
      void stream.closed.then(() => this.#open.delete(open));
      return { ...stream, bytes: body };
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error('given up'));
      throw error;
    }
  }

  /** Breaks those to an address, or all of the network. */
  cut(networkId: string, ips?: readonly string[]): void {
    for (const { networkId: id, shown, stream } of this.#open) {
      if (id === networkId && (ips === undefined || ips.includes(shown.remoteIp)))
        stream.abort(new VpnError('ERR_VPN_NO_ROUTE', `${shown.remoteIp} is not in the network any more`));
    }
  }

  cutAll(): void {
    for (const { stream } of this.#open) stream.abort(new Error('the node stops'));
  }

  async #greet(
    stream: PeerStream,
    target: { networkId: string; ip: string; port: number },
    signal: AbortSignal | undefined,
  ): Promise<AsyncIterable<Uint8Array>> {
    const { clock } = this.#components;
    const giveUp = (): void => stream.abort(new Error('no answer'));
    const cancel = clock.setTimer(giveUp, ANSWER_TIMEOUT_MS);
    signal?.addEventListener('abort', giveUp);
    let error: string | undefined;
    let body: AsyncIterable<Uint8Array>;
    try {
      await stream.write(encodeFrame(encodeJson(target)));
      const answer = await readHeader(stream.bytes);
      ({ error } = checkConnectAnswer(decodeJson(answer.header)));
      ({ body } = answer);
    } catch (cause) {
      throw failed(target, 'the provider gave no answer', cause);
    } finally {
      cancel();
      signal?.removeEventListener('abort', giveUp);
    }
    if (error !== undefined) throw failed(target, error);
    return body;
  }
}

function failed({ ip, port }: { ip: string; port: number }, error: string, cause?: unknown): VpnError {
  return new VpnError(
    'ERR_VPN_CONNECT_FAILED',
    `No connection to ${ip}:${port}: ${error}`,
    { error },
    { cause },
  );
}
