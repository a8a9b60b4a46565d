import { Type } from 'typebox';
import { checker } from '../../../src/util/check.ts';
import type { Report } from '../runner/protocol.ts';

/*
 * The runner's reports come out of the sandbox, so they are checked like anything from outside: whoever breaks out of
 * WebAssembly can say anything here, but can only say it about itself.
 */

const closed = { additionalProperties: false } as const;
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Message = Type.String({ maxLength: 16_384 });

const GuestEnd = Type.Union([
  Type.Object(
    { kind: Type.Literal('exit'), code: Type.Integer({ minimum: 0, maximum: 0xffffffff }) },
    closed,
  ),
  Type.Object(
    { kind: Type.Literal('raise'), signal: Type.String({ pattern: '^SIG[A-Z0-9]{1,8}$' }) },
    closed,
  ),
  Type.Object({ kind: Type.Literal('trap'), message: Message }, closed),
  Type.Object({ kind: Type.Literal('out-of-fuel') }, closed),
  Type.Object({ kind: Type.Literal('failed'), message: Message }, closed),
]);

const Confinement = Type.Object(
  {
    uid: Type.Integer(),
    noNewPrivileges: Type.Boolean(),
    capabilities: Type.String({ maxLength: 64 }),
    seccomp: Type.Boolean(),
  },
  closed,
);

const ReportSchema = Type.Union([
  Type.Object({ type: Type.Literal('ready'), confinement: Confinement }, closed),
  Type.Object({ type: Type.Literal('loaded') }, closed),
  Type.Object({ type: Type.Literal('refused'), message: Message }, closed),
  Type.Object({ type: Type.Literal('started') }, closed),
  Type.Object({ type: Type.Literal('disk'), bytes: Count, entries: Count }, closed),
  Type.Object({ type: Type.Literal('fuel'), used: Type.String({ pattern: '^[0-9]{1,20}$' }) }, closed),
  Type.Object(
    { type: Type.Literal('fault'), call: Type.String({ maxLength: 64 }), message: Message },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal('ended'),
      end: GuestEnd,
      memoryBytes: Count,
      refusedPages: Count,
      refusedBytes: Count,
      refusedFiles: Count,
      cpuUs: Count,
      peakRssBytes: Count,
    },
    closed,
  ),
]);

export const checkReport: (value: unknown) => Report = checker(ReportSchema, 'runner report');

/** Longer than any report can be. */
export const MAX_REPORT_BYTES = 65_536;
