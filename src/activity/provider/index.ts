import type {
  ActivityHolding,
  ActivityRecord,
  LogSlice,
  LogStream,
  Sender,
  Startable,
} from '../../interface/index.ts';
import { Background } from '../background.ts';
import { Changes } from '../changes.ts';
import { activities, supervisions } from '../records.ts';
import { AgreementWatch } from './agreements.ts';
import { outputFor } from './allow-blob.ts';
import type { ActivityProviderComponents, ActivityProviderInit, ProviderContext } from './context.ts';
import { activityProtocol } from './controller.ts';
import { BootRecovery } from './boot-recovery.ts';
import { hold, release } from './holding.ts';
import { WorkDirectoryReaper } from './work-directory-reaper.ts';
import { Reconciler } from './reconciler.ts';
import { ownedHere } from './ownership.ts';
import { readProviderLog } from './logs.ts';

export type { ActivityProviderComponents, ActivityProviderInit } from './context.ts';

/** The provider's side of activities: answers requestors, keeps supervisors and books in step, ends what is over. */
export interface ActivityProvider extends ActivityHolding, Startable {
  /** Suspends all that runs here, and what will, or lets it go on; to be said before `start` when it holds from then. */
  setPaused(paused: boolean): Promise<void>;
  /** Threads that running activities may keep busy. */
  workingThreads(): Promise<number>;
  readLog(activityId: string, stream: LogStream, offset: number, maxBytes: number): Promise<LogSlice>;
  /** For the blob server: path of a result that this sender may read. */
  allowBlob(hash: string, sender: Sender): Promise<string | undefined>;
}

const WATCH_EVERY_MS = 1_000;
const CLEAN_EVERY_MS = 30_000;
const REAP_EVERY_MS = 60_000;

/** Registers its protocol at once; answers from `start` to `stop`, and is not started twice. */
export function activityProvider(
  init: ActivityProviderInit,
  components: ActivityProviderComponents,
): ActivityProvider {
  const { store, network, slots } = components;
  const background = new Background(components);
  const changes = new Changes();
  let paused = false;
  const context: ProviderContext = { ...components, init, changes, background, isPaused: () => paused };
  const reconciler = new Reconciler(context);
  const bootRecovery = new BootRecovery(context, reconciler);
  const watch = new AgreementWatch(context);
  const reaper = new WorkDirectoryReaper(context);
  let isOpen = false;
  let stopConsuming: (() => Promise<void>) | undefined;
  const mine = (activityId: string) => (record: ActivityRecord | undefined) => ownedHere(activityId, record);
  const live = () => store.list(activities, { where: { index: 'live', equals: 'provider' } });
  network.handle(activityProtocol({ context, reconciler: bootRecovery, isOpen: () => isOpen }));

  return {
    async start() {
      await slots.audit();
      stopConsuming = watch.consume();
      background.spawn('end requests', (signal) => wakeOnEndRequests(context, signal));
      await bootRecovery.begin((await live()).map(({ id }) => id));
      background.every('agreements', WATCH_EVERY_MS, () => watch.sweep());
      background.every('work directories', CLEAN_EVERY_MS, () => reaper.sweep());
      background.every('left over by runtimes', REAP_EVERY_MS, () => reap(context));
      isOpen = true;
    },
    async stop() {
      isOpen = false;
      await bootRecovery.end();
      await stopConsuming?.();
      await background.stop();
    },
    suspend: (activityId, signal) => hold(context, activityId, 'provider', mine(activityId), signal),
    resume: (activityId, signal) => release(context, activityId, 'provider', mine(activityId), signal),
    async setPaused(wanted) {
      paused = wanted;
      if (isOpen) for (const { id } of await live()) changes.notify(id);
    },
    async workingThreads() {
      const running = (await live()).filter(({ value }) => value.state === 'Running');
      const held = await Promise.all(running.map(({ id }) => store.get(supervisions, id)));
      return held.reduce((sum, one) => sum + (one?.spec.resources.cpuThreads ?? 0), 0);
    },
    readLog: (activityId, stream, offset, maxBytes) =>
      readProviderLog(components, activityId, stream, offset, maxBytes),
    allowBlob: (hash, sender) => outputFor(components, hash, sender),
  };
}

function reap({ exeUnits, init }: ProviderContext): Promise<void> {
  return exeUnits.reap(init.nodeId, init.orphanGraceMs);
}

/** An end may be asked for in anybody's transaction; its event, which comes after the commit, wakes the reconciler. */
async function wakeOnEndRequests({ store, changes }: ProviderContext, signal: AbortSignal): Promise<void> {
  const query = { after: store.events.last(), types: ['activity.end-requested'] };
  for await (const event of store.events.follow(query, signal)) changes.notify(event.subject);
}
