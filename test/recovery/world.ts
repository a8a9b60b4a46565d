import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalNode, type NodeConfig } from '../../scripts/local-node.ts';
import { startTime } from '../../runtimes/wasi/limits/proc.ts';
import type { TaskPackage } from '../../src/interface/index.ts';
import { SELLS_BOTH } from '../e2e/rented.ts';
import { engineReply } from '../support/docker-engine.ts';
import { Machine } from '../support/machine.ts';
import { PrivateEngine } from '../support/private-engine.ts';
import type { Held } from './held.ts';
import { hashOf, type Kit } from './kit.ts';
import { StallingServer } from './stalling-server.ts';

const PATIENCE_MS = 180_000;

export interface WorldInit {
  /** A machine may sell no more threads than it has, and every step of a round needs one: three with two each. */
  readonly providers?: number;
}

interface Parts {
  readonly kit: Kit;
  readonly directory: string;
  readonly machine: Machine | undefined;
  readonly engine: PrivateEngine | undefined;
  readonly server: StallingServer;
}

/**
 * Providers and a requestor as processes, whose activities can be held at any step and whose parts can be killed. The
 * providers are on a machine of their own with their engine, where one can be made.
 */
export class RecoveryWorld {
  readonly kit: Kit;
  readonly providers: readonly LocalNode[];
  readonly requestor: LocalNode;
  readonly machine: Machine | undefined;
  /** None where the runtime needs none. */
  readonly ownEngine: PrivateEngine | undefined;
  readonly #server: StallingServer;
  readonly #directory: string;

  private constructor(parts: Parts, nodes: { providers: readonly LocalNode[]; requestor: LocalNode }) {
    this.kit = parts.kit;
    this.machine = parts.machine;
    this.ownEngine = parts.engine;
    this.#directory = parts.directory;
    this.#server = parts.server;
    this.providers = nodes.providers;
    this.requestor = nodes.requestor;
  }

  static async start(kit: Kit, { providers: count = 3 }: WorldInit = {}): Promise<RecoveryWorld> {
    const server = new StallingServer();
    await server.start();
    const directory = await mkdtemp(join(tmpdir(), 'ergon-recovery-'));
    const machine = Machine.isPossible ? new Machine(join(directory, 'machine')) : undefined;
    await machine?.boot();
    const engine = kit.runtime === 'docker' ? new PrivateEngine(LIVE, machine) : undefined;
    await engine?.start();
    const providers = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        LocalNode.start(join(directory, nameOf(index)), sells(nameOf(index), engine), machine),
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
    return new RecoveryWorld({ kit, directory, machine, engine, server }, { providers, requestor });
  }

  async stop(): Promise<void> {
    this.#server.stop();
    await Promise.all([this.requestor, ...this.providers].map((node) => node.stop()));
    await this.machine?.powerOff(this.#groupNames());
    this.ownEngine?.forget();
    await this.ownEngine?.remove();
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }

  get engine(): PrivateEngine {
    if (this.ownEngine === undefined) throw new Error(`${this.kit.runtime} has no engine`);
    return this.ownEngine;
  }

  /** Kills the engine and starts it again; `live-restore` decides whether its containers outlive that. */
  async restartEngine(config: Record<string, unknown>): Promise<void> {
    await this.engine.kill();
    this.engine.configure(config);
    await this.engine.start();
  }

  /** The providers and their engine lose their power all at once, and come up again with another boot id. */
  async powerFailure(): Promise<void> {
    await this.powerOff();
    await this.machine?.boot();
    await Promise.all([this.ownEngine?.start(), ...this.providers.map((node) => node.launch())]);
  }

  async powerOff(): Promise<void> {
    await this.machine?.powerOff(this.#groupNames());
    this.ownEngine?.forget();
    await Promise.all(this.providers.map((node) => node.gone()));
  }

  /** As a requestor asks that has seen several restarts, on a busy machine. */
  until<T>(what: string, question: () => Promise<T | undefined>, node = this.requestor): Promise<T> {
    return node.until(what, question, PATIENCE_MS);
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
    await this.until('the provider fetches it', async () => (this.#server.isAsked(name) ? true : undefined));
  }

  supervisorOf({ directory }: Held): number | undefined {
    return this.#recordedIn(join(directory, 'supervisor.json'));
  }

  /** The WASI runner, where there is one. */
  runnerOf({ directory }: Held): number | undefined {
    return this.#recordedIn(join(directory, 'runtime', 'process.json'));
  }

  /** The containers of these activities, by the engine's word. */
  async containersOf(held: readonly Held[]): Promise<Container[]> {
    const { socketPath } = this.engine;
    const { body } = await engineReply('GET', '/containers/json?all=1', socketPath);
    const all = JSON.parse(body) as { Id: string; Labels: Record<string, string> }[];
    const ours = all.filter(({ Labels }) =>
      held.some(({ activityId }) => activityId === Labels['ergon.activity']),
    );
    return Promise.all(
      ours.map(async ({ Id, Labels }) => {
        const inspected = await engineReply('GET', `/containers/${Id}/json`, socketPath);
        const { State } = JSON.parse(inspected.body) as { State: { Pid: number } };
        return { id: Id, activityId: Labels['ergon.activity']!, pid: this.#pidHere(State.Pid) };
      }),
    );
  }

  /** What names of control groups of this world have in them. */
  #groupNames(): string[] {
    const activities = this.providers.flatMap(({ dataDir }) => readdirSync(join(dataDir, 'activities')));
    return [...activities, ...(this.ownEngine?.containersOnDisk() ?? [])];
  }

  /** The very process: numbers are used again, after a power failure from 1 on. */
  #recordedIn(file: string): number | undefined {
    const recorded = recordIn(file);
    const pid = this.#pidHere(recorded?.pid);
    return pid !== undefined && startTime(pid) === recorded?.startedAt ? pid : undefined;
  }

  #pidHere(pid: number | undefined): number | undefined {
    // The engine has no number for what does not run.
    if (pid === undefined || pid === 0) return undefined;
    return this.machine === undefined ? pid : this.machine.pidHere(pid);
  }
}

export interface Container {
  readonly id: string;
  readonly activityId: string;
  readonly pid: number | undefined;
}

export const LIVE = { 'live-restore': true };
export const NOT_LIVE = { 'live-restore': false };

const nameOf = (index: number): string => `provider-${index + 1}`;

function sells(name: string, engine: PrivateEngine | undefined): NodeConfig {
  return {
    name,
    provider: {
      ...SELLS_BOTH,
      hardware: { memoryBytes: 1024 ** 3, storageBytes: 256 * 1024 ** 2 },
      sampleIntervalMs: 200,
      warmPool: {},
      transfer: { allowHosts: ['127.0.0.1'] },
    },
    ...(engine !== undefined && { runtimes: { docker: { socketPath: engine.socketPath } } }),
  };
}

/** What a supervisor or a runner has noted of its process. */
function recordIn(file: string): { pid: number; startedAt: string } | undefined {
  try {
    const { pid, startTicks, startTime: startedAt } = JSON.parse(readFileSync(file, 'utf8'));
    return { pid: Number(pid), startedAt: String(startTicks ?? startedAt) };
  } catch {
    return undefined;
  }
}
