import type {
  ActivityRecord,
  Agreements,
  BlobFetcher,
  Blobs,
  Clock,
  ExeUnits,
  Logger,
  Network,
  Store,
  UrlTransfers,
} from '../../interface/index.ts';
import type { Background } from '../background.ts';
import type { Changes } from '../changes.ts';
import type { Snapshot } from '../messages.ts';
import type { SlotLedger } from '../slots.ts';

export interface ActivityProviderInit {
  /** This node, as supervisors are told it. */
  readonly nodeId: string;
  /** Time between two usage samples. */
  readonly sampleIntervalMs: number;
  /** Work directories stay this long after activity and agreement have ended. */
  readonly retentionMs: number;
  /** A work directory that the books do not know is removed after this long. */
  readonly orphanGraceMs: number;
  /** Blobs that one activity may bring beyond its agreement's storage: task packages are larger than what they write. */
  readonly blobAllowanceBytes: number;
  /** Scripts and captures of one activity may take so much in the books, which outlast it. */
  readonly maxBookedBytes: number;
  /** An activity that the daemon did not outlive taking up so often in a row is quarantined; 0: never. */
  readonly quarantineAfterBoots: number;
  /** Runtimes that are offered under further names: name in the agreement to runtime. */
  readonly runtimeAliases?: Readonly<Record<string, string>>;
}

export interface ActivityProviderComponents {
  readonly store: Store;
  readonly network: Pick<Network, 'handle'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly exeUnits: ExeUnits;
  readonly blobs: Pick<Blobs, 'path' | 'hold' | 'trim'>;
  readonly fetcher: BlobFetcher;
  readonly urls: UrlTransfers;
  readonly agreements: Pick<Agreements, 'get' | 'terminate'>;
  readonly slots: Pick<SlotLedger, 'releaseEnded' | 'audit'>;
}

/** What the parts of the provider's side share. */
export interface ProviderContext extends ActivityProviderComponents {
  readonly init: ActivityProviderInit;
  readonly changes: Changes;
  readonly background: Background;
  /** Whether the whole node is paused. */
  isPaused(): boolean;
}

/** What the requestor is told of an activity. */
export function snapshotOf(record: ActivityRecord): Snapshot {
  const { activityId, state, pending, reason, usage, stdoutBytes, stderrBytes, journalSeq, createdAt } =
    record;
  return {
    activityId,
    state,
    ...(pending !== undefined && { pending }),
    ...(reason !== undefined && { reason }),
    ...(usage !== undefined && { usage }),
    stdoutBytes,
    stderrBytes,
    journalSeq,
    createdAt,
  };
}
