import { buildServer } from '../../../../../src/api/api.ts';
import { yagnaApi } from '../../../../../src/api/rest/yagna/index.ts';
import type { YagnaParts } from '../../../../../src/api/yagna-parts.ts';
import { memoryNetwork } from '../../../../../src/network/index.ts';
import { vpn } from '../../../../../src/vpn/index.ts';
import { REQUESTOR, PEER } from '../../support/samples.ts';
import { apiWorld } from '../../support/world.ts';

const refuse = (): never => {
  throw new Error('not in this test');
};

/** The Yagna-compatible API over in-memory parts, in front of a market without offers. */
export async function yagnaWorld() {
  const world = await apiWorld();
  const parts: YagnaParts = {
    init: { platforms: { 'erc20-holesky-tglm': 'ledger' }, images: {} },
    address: REQUESTOR,
    peerId: PEER,
    market: {
      offers: {
        known: () => [],
        get: () => undefined,
        own: async () => [],
        publish: async () => [],
        offerByHand: async () => undefined,
        takeBack: async () => undefined,
        byHand: async () => undefined,
        withdraw: async () => undefined,
        refresh: async () => undefined,
        explain: () => [],
        onChanged: () => () => undefined,
      },
      proposals: { send: refuse, poll: refuse, decide: refuse, reject: refuse },
      get: (agreementId) => world.components.agreements.get(agreementId),
      terminate: (agreementId, reason) => world.components.agreements.terminate(agreementId, reason),
      create: refuse,
      confirm: refuse,
      approve: refuse,
      reject: refuse,
    },
    bills: { accept: refuse, reject: refuse, cancel: refuse, byHand: async () => undefined },
    drivers: [
      {
        platform: 'ledger',
        decimals: 18,
        symbol: 'ERG',
        start: async () => undefined,
        stop: async () => undefined,
        pay: async () => '',
      },
    ],
    blobs: world.components.blobs,
    networks: vpn({
      ...world.context,
      store: world.store,
      network: memoryNetwork().join({ peerId: PEER, address: REQUESTOR }),
      peerOf: async () => undefined,
    }).networks,
  };
  const yagna = yagnaApi(world.context, parts);
  const { limits } = world.context;
  const app = await buildServer({ limits, version: '0.0.0' }, world.context, yagna);
  await yagna.start();
  const request = (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    body?: object,
    key = 'key-admin',
  ) =>
    app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${key}` },
      ...(body !== undefined && { payload: body }),
    });
  return {
    ...world,
    app,
    request,
    stop: async () => {
      await yagna.stop();
      await app.close();
      await world.stop();
    },
  };
}
export type YagnaWorld = Awaited<ReturnType<typeof yagnaWorld>>;
