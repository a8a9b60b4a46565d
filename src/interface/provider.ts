import { Type, type Static } from 'typebox';
import { Reason, Timestamp } from './values.ts';

const closed = { additionalProperties: false } as const;
const Count = Type.Integer({ minimum: 0 });

/** `run`: sells. `drain`: takes no new agreement, those in force go on. `pause`: none either, and all that runs is suspended. */
export const ProviderMode = Type.Union([Type.Literal('run'), Type.Literal('pause'), Type.Literal('drain')]);
export type ProviderMode = Static<typeof ProviderMode>;

/** For people: why a preset is not, or not wholly, on offer. */
export const PresetNote = Type.Object({ preset: Type.String(), note: Type.String() }, closed);
export type PresetNote = Static<typeof PresetNote>;

/** What the operator is told: what was asked for, what holds, and what is sold. */
export const ProviderStatus = Type.Object(
  {
    /** What the operator asked for last; it holds over restarts. */
    mode: ProviderMode,
    /** Absent while it was never changed. */
    changedAt: Type.Optional(Timestamp),
    /** What holds: outside of its schedule a provider pauses, whatever its mode. */
    effective: ProviderMode,
    /** Why that is not the mode that was asked for. */
    reason: Type.Optional(Reason),
    /** On the market now. */
    offers: Count,
    /** There is no room for another agreement: offers without a free slot are withdrawn until one ends. */
    soldOut: Type.Boolean(),
    presetNotes: Type.Array(PresetNote),
    /** In force, as provider. */
    agreements: Count,
    /** The activities that have not ended, counted by state. */
    activities: Type.Record(Type.String(), Count),
  },
  closed,
);
export type ProviderStatus = Static<typeof ProviderStatus>;

/** What came of reading the configuration again; settings by their path. */
export const ConfigReload = Type.Object(
  {
    /** Changed, and in force from now on. */
    applied: Type.Array(Type.String()),
    /** Changed in the file, but in force only after a restart. */
    restartNeeded: Type.Array(Type.String()),
  },
  closed,
);
export type ConfigReload = Static<typeof ConfigReload>;

/** The operator's hold on what this node sells. */
export interface ProviderControl {
  status(): Promise<ProviderStatus>;
  /** Durable. Resolves once offers and running activities follow, or are about to. Idempotent. */
  setMode(mode: ProviderMode): Promise<ProviderStatus>;
}
