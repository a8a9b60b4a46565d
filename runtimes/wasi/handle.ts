import { Type, type Static } from 'typebox';
import { handleCodec } from '../shared/handle-codec.ts';

const closed = { additionalProperties: false } as const;

/** All that another process needs to find and end a deployment. */
const Handle = Type.Object(
  {
    version: Type.Literal(1),
    workDir: Type.String({ minLength: 1, maxLength: 4096 }),
    /** Name of its control group. */
    group: Type.String({ pattern: '^ergon-wasi-[A-Za-z0-9_-]{1,128}$' }),
  },
  closed,
);
export type Handle = Static<typeof Handle>;
export const handles = handleCodec(Handle, 'WASI');

/** The runner's process, beyond doubt: numbers are used again, start times with them are not. */
export const ProcessRecord = Type.Object(
  { pid: Type.Integer({ minimum: 1 }), startTime: Type.String({ pattern: '^[0-9]{1,20}$' }) },
  closed,
);
export type ProcessRecord = Static<typeof ProcessRecord>;

/** A fixed name, so that a deployment that is made again after a crash finds its own group. */
export function groupName(activityId: string): string {
  return `ergon-wasi-${activityId}`;
}
