import type { Command } from 'commander';
import { Type } from 'typebox';
import type { Commands } from '../command.ts';
import { bytes, duration, files, time } from '../format.ts';
import { fields } from '../table.ts';
import { NodeView, PeerInfoView } from '../views.ts';

export function initCommand(root: Command, commands: Commands, summary: string): void {
  commands.add(
    root,
    {
      usage: 'init',
      summary,
      examples: [
        ['init', 'in ~/.ergon'],
        ['init --data-dir ./node-a', 'somewhere else'],
      ],
    },
    () => undefined,
    async (session) => {
      const { initNode } = await import('../../daemon/index.ts');
      const made = await initNode(await session.config());
      await session.print(made, () =>
        made.created
          ? `Made the identity ${made.address} in ${made.dataDir}. Back up its keystore.\nNext: ergon daemon`
          : `The identity ${made.address} is in ${made.dataDir} already; nothing was changed.`,
      );
      return undefined;
    },
  );
}

export function daemonCommand(root: Command, commands: Commands, summary: string): void {
  commands.add(
    root,
    {
      usage: 'daemon',
      summary,
      examples: [
        ['daemon', 'with ~/.ergon/config.json, if there is one'],
        ['daemon --config ./provider.json', 'with another configuration'],
      ],
    },
    () => undefined,
    async (session) => {
      const { runDaemon } = await import('../../daemon/index.ts');
      await runDaemon(await session.config(), {
        onReady({ address, url }) {
          const text = session.json ? JSON.stringify({ address, url }) : `ergon ${address} listens at ${url}`;
          session.io.stdout.write(`${text}\n`);
        },
        readConfig: () => session.config(),
      });
      return undefined;
    },
  );
}

export function statusCommand(root: Command, commands: Commands, summary: string): void {
  commands.add(
    root,
    {
      usage: 'status',
      summary,
      examples: [
        ['status', 'of the daemon of the data directory'],
        ['status --json', 'for programs'],
      ],
    },
    () => undefined,
    async (session) => {
      const node = await (await session.client()).get('/v1/node', NodeView);
      await session.print(node, () => fields(session.io.stdout, describe(node)));
      return undefined;
    },
  );
}

export function peersCommand(root: Command, commands: Commands, summary: string): void {
  commands.add(
    root,
    { usage: 'peers', summary, examples: [['peers', 'as a table']] },
    () => undefined,
    async (session) => {
      const { items } = await (
        await session.client()
      ).get('/v1/peers', Type.Object({ items: Type.Array(PeerInfoView) }));
      const columns = [
        { title: 'ADDRESS', value: (peer: PeerInfoView) => peer.address, whole: true },
        { title: 'DIRECTION', value: (peer: PeerInfoView) => peer.direction },
        { title: 'SINCE', value: (peer: PeerInfoView) => time(peer.connectedAt) },
        { title: 'AT', value: (peer: PeerInfoView) => peer.multiaddrs[0] ?? '-' },
        { title: 'PEER', value: (peer: PeerInfoView) => peer.peerId },
      ];
      await session.printList(
        items,
        columns,
        'No peers. Name some under `network.bootstrap` in the configuration.',
      );
      return undefined;
    },
  );
}

function describe(node: NodeView): [string, string | undefined][] {
  const { provider } = node;
  const resources = (of: NonNullable<NodeView['provider']>['total']): string =>
    `${of.cpuThreads} threads, ${bytes(of.memoryBytes)} memory, ${bytes(of.storageBytes)} storage`;
  return [
    ['address', node.address],
    ['peer', node.peerId],
    ['version', node.version],
    ['running since', `${time(node.startedAt)} (${duration(Math.max(0, Date.now() - node.startedAt))})`],
    ...node.multiaddrs.map((address, at): [string, string] => [at === 0 ? 'listens at' : '', address]),
    ['sells', provider === undefined ? 'nothing' : provider.runtimes.join(', ') || 'nothing at present'],
    ['in all', provider && resources(provider.total)],
    ['free', provider && resources(provider.free)],
    ['files', node.blobs && filesText(node.blobs)],
    ['platforms', node.platforms.map(({ platform, symbol }) => `${platform} (${symbol})`).join(', ')],
  ];
}

function filesText({ bytes: total, count, cachedBytes }: NonNullable<NodeView['blobs']>): string {
  const cached = cachedBytes === 0 ? '' : `, ${bytes(cachedBytes)} of it the cache of activities sold`;
  return `${bytes(total)} in ${files(count)}${cached}`;
}
