import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFinalTaskState, type TaskRecord } from '../src/interface/index.ts';
import { LocalNode, type NodeConfig } from './local-node.ts';

export type TaskView = TaskRecord & { bill: { accepted: string; invoiced: string; settled: string } };

export interface PairConfig {
  readonly provider?: NodeConfig;
  readonly requestor?: NodeConfig;
}

const hasEnded = ({ state }: TaskRecord): boolean => isFinalTaskState(state);

/** A provider and a requestor as real daemons on loopback, in directories of their own. */
export class LocalPair {
  readonly dir: string;
  readonly provider: LocalNode;
  readonly requestor: LocalNode;

  constructor(dir: string, provider: LocalNode, requestor: LocalNode) {
    this.dir = dir;
    this.provider = provider;
    this.requestor = requestor;
  }

  /** The two nodes, in a new directory. */
  static async open(config: PairConfig = {}): Promise<[string, LocalNode, LocalNode]> {
    const dir = await mkdtemp(join(tmpdir(), 'ergon-pair-'));
    const provider = await LocalNode.start(join(dir, 'provider'), { name: 'provider', ...config.provider });
    const requestor = await LocalNode.start(join(dir, 'requestor'), {
      name: 'requestor',
      provider: { enabled: false },
      network: {
        listen: ['/ip4/127.0.0.1/tcp/0'],
        mdns: false,
        bootstrap: (await provider.info()).multiaddrs,
      },
      ...config.requestor,
    });
    return [dir, provider, requestor];
  }

  async stop(): Promise<void> {
    await this.requestor.stop();
    await this.provider.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  task(taskId: string): Promise<TaskView> {
    return this.requestor.call<TaskView>('GET', `/v1/tasks/${taskId}`);
  }

  /** Waits until the program has ended and its results are here; the bill may still be open. */
  ended(taskId: string, timeoutMs = 90_000): Promise<TaskView> {
    return this.#until(`task ${taskId} ended`, taskId, hasEnded, timeoutMs);
  }

  /** Waits until the task has ended and nothing more is owed for it. */
  done(taskId: string, timeoutMs = 90_000): Promise<TaskView> {
    const isDone = (task: TaskView): boolean =>
      hasEnded(task) && task.attempts.every((attempt) => attempt.phase === 'Done');
    return this.#until(`task ${taskId} done`, taskId, isDone, timeoutMs);
  }

  async log(taskId: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
    const response = await this.requestor.raw('GET', `/v1/tasks/${taskId}/logs?stream=${stream}`, undefined, {
      accept: 'application/octet-stream',
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return response.text();
  }

  #until(
    what: string,
    taskId: string,
    is: (task: TaskView) => boolean,
    timeoutMs: number,
  ): Promise<TaskView> {
    return this.requestor.until(
      what,
      async () => {
        const task = await this.task(taskId).catch(() => undefined);
        return task !== undefined && is(task) ? task : undefined;
      },
      timeoutMs,
    );
  }
}
