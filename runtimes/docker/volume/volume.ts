import type { LimitExit } from '../exit.ts';

export type VolumeKind = 'filesystem' | 'measured';

/** What a volume is made of. */
export interface VolumeInit {
  /** Where the volume's files are to be. */
  readonly directory: string;
  /** For what holds them; of this runtime alone. */
  readonly scratch: string;
  readonly storageBytes: number;
  readonly owner: { readonly uid: number; readonly gid: number };
}

/** What is in a volume. */
export interface VolumeUsage {
  readonly bytes: number;
  readonly files: { readonly count: number; readonly limit: number };
  /** What there is too much of, or nothing left of. */
  readonly full?: LimitExit;
}

/** The one place of a container that can be written and lasts. */
export interface Volume {
  readonly kind: VolumeKind;
  /** Makes it, or finds it made. */
  prepare(): Promise<void>;
  usage(): Promise<VolumeUsage>;
  /** Removes what holds it, not the files' directory. Idempotent. */
  remove(): Promise<void>;
}
