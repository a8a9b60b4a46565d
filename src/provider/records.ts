import { Type, type Static } from 'typebox';
import { ProviderMode, Timestamp, type Bucket } from '../interface/index.ts';
import { checker } from '../util/check.ts';

const ModeRecord = Type.Object({ mode: ProviderMode, changedAt: Timestamp }, { additionalProperties: false });
export type ModeRecord = Static<typeof ModeRecord>;

/** What the operator asked for last: one record. */
export const providerModes: Bucket<ModeRecord> = {
  name: 'provider-modes',
  check: checker(ModeRecord, 'mode of the provider'),
};
export const MODE_KEY = 'mode';
