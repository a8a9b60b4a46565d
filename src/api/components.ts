import type {
  ActivityHolding,
  ActivityRecord,
  AgreementRecord,
  Agreements,
  Allocation,
  Allocations,
  Batch,
  BatchCanceling,
  BlobInfo,
  Blobs,
  Clock,
  ConfigReload,
  DebitNoteRecord,
  EventLog,
  InvoiceRecord,
  Logger,
  LogSlice,
  LogStream,
  NamedPackage,
  Network,
  Offer,
  PaymentRecord,
  ProviderControl,
  RequestorActivities,
  Store,
  TaskRecord,
  Tasks,
  Verifier,
} from '../interface/index.ts';
import type { Scope } from '../identity/index.ts';
import type { NewId } from '../util/id.ts';
import type { Collection } from './collection.ts';
import type { NodeInfo } from './schemas/node.ts';
import type { YagnaParts } from './yagna-parts.ts';

/** Whom a request comes from. */
export interface Caller {
  readonly appKeyId: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Web origins from whose pages the key may be used; `*` for all. */
  readonly corsOrigins?: readonly string[];
}

/** An app-key as it is shown. */
export interface AppKeyInfo {
  readonly appKeyId: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly corsOrigins?: readonly string[];
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
}

/** The part of src/identity's app-keys that the API needs. */
export interface AppKeys {
  authenticate(key: string): Promise<Caller | undefined>;
  create(request: {
    readonly name: string;
    readonly scopes: readonly Scope[];
    readonly expiresAt?: number;
    readonly corsOrigins?: readonly string[];
  }): Promise<{ readonly key: string; readonly record: AppKeyInfo }>;
  list(): Promise<readonly AppKeyInfo[]>;
  revoke(appKeyId: string): Promise<AppKeyInfo>;
}

/** Why an offer fits a constraint or not: `undefined` when a property that it asks for is missing. */
export interface OfferExplanation {
  readonly offer: Offer;
  readonly matches: 'true' | 'false' | 'undefined';
  /** One line for each part of the constraint that does not hold. */
  readonly reasons: readonly string[];
}

/** The offers that this node knows of and that have not expired. */
export interface OfferQueries {
  list(): Promise<readonly Offer[]>;
  get(offerId: string): Promise<Offer | undefined>;
  /** Throws the market's syntax error, which points at the column. */
  explain(constraints: string): Promise<readonly OfferExplanation[]>;
}

/** Read access to the logs of all activities of this node, of either role. */
export interface ActivityLogs {
  readLog(activityId: string, stream: LogStream, offset: number, maxBytes: number): Promise<LogSlice>;
}

/** Files that activities of this node's agreements have put out at their providers. */
export interface ActivityOutputs {
  /** Into this node's blobs, checked by its hash; at once when it is there. */
  bring(activityId: string, output: BlobInfo, signal: AbortSignal): Promise<void>;
}

/** What a removal did. */
export interface Removed {
  /** False when there was no such thing, as after the first time. */
  readonly removed: boolean;
  /** How many files went; those that something else has to do with stay. */
  readonly blobs: number;
  readonly freedBytes: number;
}

/** Removes things that nobody wants any more, with their files. Signed agreements, bills and payments stay. */
export interface Removal {
  /** Of each package and input how many tasks need it that are not over. */
  neededInputs(): Promise<ReadonlyMap<string, number>>;
  /** Throws TaskError ERR_TASK_NOT_OVER, ERR_TASK_NOT_SETTLED. */
  task(taskId: string): Promise<Removed>;
  /** Throws TransferError ERR_TRANSFER_IN_USE while something that is not over needs it. */
  package(hash: string): Promise<Removed>;
  /** Throws TransferError ERR_TRANSFER_IN_USE, also for what belongs to a package or a task that is over. */
  blob(hash: string): Promise<Removed>;
}

/** Packages by the names that this machine has for them: images of its Docker engine. */
export interface LocalPackages {
  find(name: string): Promise<NamedPackage | undefined>;
}

/** The daemon about itself. */
export interface NodeQueries {
  info(): Promise<NodeInfo>;
  /** `ok` false makes /v1/health answer 503. */
  health(): Promise<{ readonly ok: boolean; readonly checks: Readonly<Record<string, string>> }>;
  /** Prometheus text. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  /** Copies the books, while running, into `<dataDir>/backups/<name>`. */
  backup(name: string): Promise<{ readonly path: string; readonly records: number }>;
}

/** What the operator of a selling node can do. */
export interface ProviderOperations extends ProviderControl {
  /** Throws the configuration's own error, which names each problem; nothing has changed then. */
  reload(): Promise<ConfigReload>;
}

/** The records that are listed and shown. */
export interface Books {
  readonly tasks: Collection<TaskRecord>;
  readonly agreements: Collection<AgreementRecord>;
  readonly activities: Collection<ActivityRecord>;
  /** By `activityId/batchId`. */
  readonly batches: Collection<Batch>;
  readonly debitNotes: Collection<DebitNoteRecord>;
  readonly invoices: Collection<InvoiceRecord>;
  readonly payments: Collection<PaymentRecord>;
  readonly allocations: Collection<Allocation>;
}

/** All that the API calls; each member is the narrow face of one part of the daemon. */
export interface ApiComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newId: NewId;
  readonly store: Pick<Store, 'get' | 'list' | 'count' | 'transact'>;
  readonly events: Pick<EventLog, 'last' | 'oldest' | 'query' | 'follow'>;
  readonly appKeys: AppKeys;
  readonly blobs: Pick<Blobs, 'put' | 'stat' | 'read' | 'list' | 'whileHeld' | 'usage' | 'cachedBytes'>;
  readonly verifier: Verifier;
  readonly tasks: Tasks;
  readonly agreements: Agreements;
  readonly activities: RequestorActivities & BatchCanceling;
  /** Absent as provider on a node that only buys. */
  readonly holding: { readonly requestor: ActivityHolding; readonly provider?: ActivityHolding };
  readonly logs: ActivityLogs;
  readonly outputs: ActivityOutputs;
  readonly allocations: Allocations;
  readonly offers: OfferQueries;
  readonly localPackages: LocalPackages;
  readonly removal: Removal;
  readonly network: Pick<Network, 'peers'>;
  readonly node: NodeQueries;
  /** Absent on a node that only buys. */
  readonly provider?: ProviderOperations | undefined;
  readonly books: Books;
  /** Without it the Yagna-compatible API is not served. */
  readonly yagna?: YagnaParts;
}
