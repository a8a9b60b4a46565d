import { join } from 'node:path';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { LocalNode } from '../../scripts/local-node.ts';
import type { AgreementRequest } from '../../src/interface/market.ts';
import { PROPERTY } from '../../src/interface/property-names.ts';
import { newId } from '../../src/util/id.ts';
import type { Bench, BenchContext } from '../support/bench.ts';
import { startChild } from '../support/child.ts';
import { compare, type Subject } from '../support/compare.ts';
import { ECHO_PROTOCOL, rawLibp2p } from '../support/raw-libp2p.ts';
import { requestor, type Requestor, type RoundTrip } from '../support/requestor.ts';

const HOUR_MS = 3_600_000;
const MIB = 1 << 20;

export const bench: Bench = {
  name: 'agreement',
  ours: 'one agreement with a real daemon: matched, negotiated, signed by both, in both nodes’ books',
  floor: 'the same round trips, of the same sizes, over one open length-prefixed stream of bare libp2p',
  run: async (context) => {
    const provider = await LocalNode.start(join(context.dir, 'provider'), { name: 'provider' });
    context.defer(() => provider.stop());
    const buyer = await requestor(await provider.info(), context);
    await negotiate(buyer, newId());
    const roundTrips = buyer.takeRoundTrips().filter(({ kind }) => kind !== 'offers.list');
    const { quick } = context;
    const comparison = await compare(
      `${roundTrips.length} round trips`,
      // Far fewer than the proposals of one peer that a provider keeps at a time.
      { samples: quick ? 5 : 40, warmUp: quick ? 1 : 8 },
      agreements(buyer),
      await rawRoundTrips(roundTrips, context),
    );
    return [comparison];
  },
};

function agreements(buyer: Requestor): Subject {
  let agreementId = '';
  return {
    prepare: async () => {
      agreementId = newId();
    },
    run: async () => {
      const { state } = await buyer.market.request(wish(agreementId), AbortSignal.timeout(60_000));
      if (state !== 'Approved') throw new Error(`the agreement is ${state}`);
    },
    after: () => end(buyer, agreementId),
  };
}

async function negotiate(buyer: Requestor, agreementId: string): Promise<void> {
  await buyer.market.request(wish(agreementId), AbortSignal.timeout(60_000));
  await end(buyer, agreementId);
}

/** So that the provider's slots are free again. */
async function end(buyer: Requestor, agreementId: string): Promise<void> {
  await buyer.market.terminate(agreementId, { code: 'Done', message: 'measured' });
  await buyer.delivered();
}

const wish = (agreementId: string): AgreementRequest => ({
  agreementId,
  properties: {
    [PROPERTY.chosenPlatform]: 'ledger',
    [PROPERTY.requestedCpuThreads]: 1,
    [PROPERTY.requestedMemoryBytes]: 64 * MIB,
    [PROPERTY.requestedStorageBytes]: 64 * MIB,
  },
  constraints: '(&(golem.runtime.name=wasi)(golem.inf.mem.gib>=0.05))',
  expiresAt: Date.now() + HOUR_MS,
});

async function rawRoundTrips(roundTrips: readonly RoundTrip[], { defer }: BenchContext): Promise<Subject> {
  const peer = await startChild<{ multiaddr: string }>('echo-peer', []);
  defer(() => peer.stop());
  const node = await rawLibp2p([]);
  defer(async () => node.stop());
  const stream = lpStream(await node.dialProtocol(multiaddr(peer.hello.multiaddr), ECHO_PROTOCOL));
  const messages = roundTrips.map(({ requestBytes, answerBytes }) => {
    const message = new Uint8Array(requestBytes);
    new DataView(message.buffer).setUint32(0, answerBytes);
    return message;
  });
  return {
    run: async () => {
      for (const message of messages) {
        await stream.write(message);
        await stream.read();
      }
    },
  };
}
