import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { LocalNode, type NodeConfig } from '../../scripts/local-node.ts';
import type { TaskPackage } from '../../src/interface/index.ts';
import { SELLS_BOTH } from '../e2e/rented.ts';
import { soon } from '../hostile/clean.ts';
import { groupsOf, linesOf, loopDevicesOf, processesOf } from '../hostile/watch.ts';
import { engineReply } from '../support/docker-engine.ts';
import type { Held } from './held.ts';
import { hashOf, type Kit } from './kit.ts';
import { StallingServer } from './stalling-server.ts';

export interface WorldInit {
  /** A machine may sell no more threads than it has, and every step of a round needs one: three with two each. */
  readonly providers?: number;
  readonly engineSocket?: string;
}

/** Providers and a requestor as processes, whose activities can be held at any step and whose parts can be killed. */
export class RecoveryWorld {
  readonly kit: Kit;
  readonly providers: readonly LocalNode[];
  readonly requestor: LocalNode;
  readonly #server: StallingServer;
  readonly #engineSocket: string | undefined;
  readonly #directory: string;

  private constructor(
    parts: { kit: Kit; directory: string; engineSocket: string | undefined },
    nodes: { providers: readonly LocalNode[]; requestor: LocalNode },
    server: StallingServer,
  ) {
    this.kit = parts.kit;
    this.#directory = parts.directory;
    this.#engineSocket = parts.engineSocket;
    this.providers = nodes.providers;
    this.requestor = nodes.requestor;
    this.#server = server;
  }

  static async start(
    kit: Kit,
    { providers: count = 3, engineSocket }: WorldInit = {},
  ): Promise<RecoveryWorld> {
    const server = new StallingServer();
    await server.start();
    const directory = await mkdtemp(join(tmpdir(), 'ergon-recovery-'));
    const providers = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        LocalNode.start(join(directory, nameOf(index)), sells(nameOf(index), engineSocket)),
      ),
    );
    const bootstrap = (await Promise.all(providers.map((node) => node.info()))).flatMap(
      ({ multiaddrs }) => multiaddrs,
    );
    const requestor = await LocalNode.start(join(directory, 'requestor'), {
      name: 'requestor',
      provider: { enabled: false },
      network: { bootstrap },
    });
    await requestor.upload('packages', kit.packageBytes);
    return new RecoveryWorld({ kit, directory, engineSocket }, { providers, requestor }, server);
  }

  async stop(): Promise<void> {
    this.#server.stop();
    await Promise.all([this.requestor, ...this.providers].map((node) => node.stop()));
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Where the activity that is made as this one goes. */
  providerAt(index: number): { readonly node: LocalNode; readonly name: string } {
    const at = index % this.providers.length;
    const node = this.providers[at];
    if (node === undefined) throw new Error(`no provider ${at}`);
    return { node, name: nameOf(at) };
  }

  stalledPackage(name: string): TaskPackage {
    const bytes = this.kit.uniquePackage(name);
    return { url: this.#server.serve(name, bytes), hash: hashOf(bytes), sizeBytes: bytes.length };
  }

  stalledFile(name: string): string {
    return this.#server.serve(name, Buffer.alloc(100_000, name));
  }

  release(name: string): void {
    this.#server.release(name);
  }

  async asked(name: string): Promise<void> {
    await this.requestor.until('the provider fetches it', async () =>
      this.#server.isAsked(name) ? true : undefined,
    );
  }

  supervisorOf({ directory }: Held): number | undefined {
    return pidIn(join(directory, 'supervisor.json'));
  }

  /** The WASI runner, where there is one. */
  runnerOf({ directory }: Held): number | undefined {
    return pidIn(join(directory, 'runtime', 'process.json'));
  }

  /** The containers of these activities, by the engine's word. */
  async containersOf(held: readonly Held[]): Promise<{ id: string; activityId: string; pid: number }[]> {
    const { body } = await engineReply('GET', '/containers/json?all=1', this.#engineSocket);
    const all = JSON.parse(body) as { Id: string; Labels: Record<string, string> }[];
    const ours = all.filter(({ Labels }) =>
      held.some(({ activityId }) => activityId === Labels['ergon.activity']),
    );
    return Promise.all(
      ours.map(async ({ Id, Labels }) => {
        const inspected = await engineReply('GET', `/containers/${Id}/json`, this.#engineSocket);
        const { State } = JSON.parse(inspected.body) as { State: { Pid: number } };
        return { id: Id, activityId: Labels['ergon.activity']!, pid: State.Pid };
      }),
    );
  }

  /** Nothing is left of them but their books, logs and results. */
  async assertClean(held: readonly Held[]): Promise<void> {
    const marks = held.map(({ activityId }) => activityId);
    await soon(async () => expect(processesOf(marks)).toEqual([]));
    await soon(async () => expect(groupsOf(marks), 'control groups').toEqual([]));
    expect(linesOf('/proc/self/mountinfo', marks), 'mounts').toEqual([]);
    expect(linesOf('/proc/net/unix', marks), 'sockets').toEqual([]);
    await soon(async () => expect(loopDevicesOf(marks), 'loop devices').toEqual([]));
    if (this.kit.runtime === 'docker') expect(await this.containersOf(held), 'containers').toEqual([]);
    for (const { directory } of held) {
      const left = existsSync(directory) ? readdirSync(directory) : [];
      expect(left.filter((name) => ['volumes', 'runtime', 'inputs'].includes(name))).toEqual([]);
    }
  }
}

const nameOf = (index: number): string => `provider-${index + 1}`;

function sells(name: string, engineSocket: string | undefined): NodeConfig {
  return {
    name,
    provider: {
      ...SELLS_BOTH,
      hardware: { memoryBytes: 1024 ** 3, storageBytes: 256 * 1024 ** 2 },
      sampleIntervalMs: 100,
      warmPool: {},
      transfer: { allowHosts: ['127.0.0.1'] },
    },
    ...(engineSocket !== undefined && { runtimes: { docker: { socketPath: engineSocket } } }),
  };
}

function pidIn(file: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid;
  } catch {
    return undefined;
  }
}
