import { Type } from 'typebox';
import type { ApiServer } from '../../../route.ts';
import { invalid, YagnaError } from '../errors.ts';
import { sendJson } from '../reply.ts';
import type { YagnaServices } from '../services.ts';

const READ = { scope: 'read' } as const;
const ACT = { scope: 'requestor' } as const;

const Ip = Type.String({ minLength: 1, maxLength: 64 });
const Optional = Type.Optional(Type.Union([Type.Null(), Ip]));
const NetworkBody = Type.Object({ ip: Ip, mask: Optional, gateway: Optional });
const AddressBody = Type.Object({ ip: Ip });
const NodeBody = Type.Object({ id: Type.String({ maxLength: 64 }), ip: Ip });
const Network = Type.Object({ networkId: Type.String({ maxLength: 256 }) });
const Node = Type.Object({ ...Network.properties, nodeId: Type.String({ maxLength: 256 }) });
const Target = Type.Object({ ...Network.properties, ip: Type.String(), port: Type.String() });

const NODE_ID = /^0x[0-9a-fA-F]{40}$/;
/** IANA's number of the protocol TCP. */
const TCP = 6;

/** Both versions of the API have the same routes; clients use the first one. */
const NET_PREFIXES = ['/net-api/v1', '/net-api/v2/vpn'] as const;

/** The networks of this node's clients, and this node's connections. */
export function netRoutes(app: ApiServer, services: YagnaServices): void {
  const { context, me } = services;
  for (const path of ['/net-api/v2/net/status', '/net-api/v1/status']) {
    app.get(path, { config: READ }, async () => ({ nodeId: me, sessions: context.network.peers().length }));
  }
  for (const prefix of NET_PREFIXES) {
    networkRoutes(app, prefix, services);
    nodeRoutes(app, prefix, services);
    connectionRoutes(app, prefix, services);
  }
}

function networkRoutes(app: ApiServer, prefix: string, { context: { networks } }: YagnaServices): void {
  app.get(`${prefix}/net`, { config: READ }, () => networks.list());
  app.post(`${prefix}/net`, { config: ACT, schema: { body: NetworkBody } }, ({ body }) => {
    const { ip, mask, gateway } = body;
    return networks.create({
      ip,
      ...(typeof mask === 'string' && { mask }),
      ...(typeof gateway === 'string' && { gateway }),
    });
  });
  app.get(`${prefix}/net/:networkId`, { config: READ, schema: { params: Network } }, ({ params }) =>
    networks.get(params.networkId),
  );
  app.delete(
    `${prefix}/net/:networkId`,
    { config: ACT, schema: { params: Network } },
    async ({ params }, reply) => {
      await networks.remove(params.networkId);
      return sendJson(reply, null);
    },
  );
}

function nodeRoutes(app: ApiServer, prefix: string, { context: { networks }, me }: YagnaServices): void {
  app.get(
    `${prefix}/net/:networkId/addresses`,
    { config: READ, schema: { params: Network } },
    async (request) =>
      (await networks.nodes(request.params.networkId))
        .filter(({ id }) => id === me)
        .map(({ ip }) => ({ ip })),
  );
  app.post(
    `${prefix}/net/:networkId/addresses`,
    { config: ACT, schema: { params: Network, body: AddressBody } },
    async ({ params, body }, reply) => {
      await networks.addNode(params.networkId, { id: me, ip: body.ip });
      return sendJson(reply, null);
    },
  );
  app.get(`${prefix}/net/:networkId/nodes`, { config: READ, schema: { params: Network } }, ({ params }) =>
    networks.nodes(params.networkId),
  );
  app.post(
    `${prefix}/net/:networkId/nodes`,
    { config: ACT, schema: { params: Network, body: NodeBody } },
    async ({ params, body }, reply) => {
      if (!NODE_ID.test(body.id))
        throw invalid(`${body.id} is no id of a node, which is 0x and 40 hex digits`);
      await networks.addNode(params.networkId, { id: body.id.toLowerCase(), ip: body.ip });
      return sendJson(reply, null);
    },
  );
  app.delete(
    `${prefix}/net/:networkId/nodes/:nodeId`,
    { config: ACT, schema: { params: Node } },
    async ({ params }, reply) => {
      await networks.removeNode(params.networkId, params.nodeId);
      return sendJson(reply, null);
    },
  );
}

function connectionRoutes(app: ApiServer, prefix: string, { context: { networks } }: YagnaServices): void {
  app.get(
    `${prefix}/net/:networkId/tcp`,
    { config: READ, schema: { params: Network } },
    async ({ params: { networkId } }) => {
      await networks.get(networkId);
      return networks.connections(networkId).map((connection) => ({ protocol: TCP, ...connection }));
    },
  );
  app.get(
    `${prefix}/net/:networkId/tcp/:ip/:port`,
    { config: ACT, schema: { params: Target } },
    async ({ params: { networkId } }) => {
      await networks.get(networkId);
      throw new YagnaError('ERR_YAGNA_NOT_FOUND', 'A connection is a websocket: ask for an upgrade');
    },
  );
}
