import { Type, type Static } from 'typebox';
import { Id, PlatformName, Timestamp, type Bucket } from '../../../../interface/index.ts';
import { checker } from '../../../../util/check.ts';

const closed = { additionalProperties: false } as const;

/** What a client knows of an allocation beyond the allocation itself. */
export const AllocationNote = Type.Object(
  {
    allocationId: Id,
    platform: PlatformName,
    timestamp: Timestamp,
    timeout: Type.Optional(Timestamp),
    makeDeposit: Type.Boolean(),
  },
  closed,
);
export type AllocationNote = Static<typeof AllocationNote>;
export const allocationNoteBucket: Bucket<AllocationNote> = {
  name: 'yagna-allocations',
  check: checker(AllocationNote, 'allocation of a client'),
};
