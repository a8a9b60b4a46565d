import { Type, type Static } from 'typebox';
import { Amount, Id, TaskRecord, TaskSpec } from '../../interface/index.ts';
import { closed } from './common.ts';

const MIB = 1024 * 1024;
const spec = TaskSpec.properties;
const limits = spec.limits.properties;

/** Decimal tokens, as people write them. */
export const Tokens = Type.String({
  pattern: '^[0-9]{1,20}(\\.[0-9]{1,36})?$',
  description: 'Decimal number of tokens of the payment platform, e.g. "1.5"',
});

/** The body of POST /v1/tasks: a TaskSpec with defaults, tokens for units, and stdin as text if one likes. */
export const TaskBody = Type.Object(
  {
    taskId: Type.Optional(Id),
    name: spec.name,
    package: spec.package,
    runtime: Type.Optional(
      Type.String({
        ...spec.runtime,
        description: '`wasi` without it, or `docker` when the package names an image',
      }),
    ),
    entryPoint: Type.String({ ...spec.entryPoint, default: 'main' }),
    args: Type.Array(spec.args.items, { maxItems: 4096, default: [] }),
    env: Type.Optional(spec.env),
    stdin: Type.Optional(
      Type.Union([Type.String({ maxLength: 1024 * 1024 }), Type.Object({ blob: spec.package }, closed)], {
        description: 'The text itself, or an uploaded blob',
      }),
    ),
    inputs: Type.Array(spec.inputs.items, { maxItems: 128, default: [] }),
    outputs: Type.Array(spec.outputs.items, { maxItems: 128, default: [] }),
    limits: Type.Object(
      {
        cpuThreads: Type.Integer({ ...limits.cpuThreads, default: 1 }),
        memoryBytes: Type.Integer({ ...limits.memoryBytes, default: 256 * MIB }),
        storageBytes: Type.Integer({ ...limits.storageBytes, default: 256 * MIB }),
        cpuTimeMs: limits.cpuTimeMs,
        wallTimeMs: Type.Integer({ ...limits.wallTimeMs, default: 10 * 60 * 1000 }),
        fuel: limits.fuel,
      },
      { ...closed, default: {} },
    ),
    network: spec.network,
    platform: Type.String({ ...spec.platform, default: 'ledger' }),
    budget: Type.String({ ...Tokens, default: '1' }),
    constraints: Type.String({ ...spec.constraints, default: '' }),
    maxAttempts: Type.Integer({ ...spec.maxAttempts, default: 3 }),
  },
  closed,
);
export type TaskBody = Static<typeof TaskBody>;

/** What the task costs so far, in smallest units. */
export const Bill = Type.Object(
  {
    platform: Type.String(),
    budget: Amount,
    /** Bills accepted so far. */
    accepted: Amount,
    invoiced: Amount,
    settled: Amount,
  },
  closed,
);
export type Bill = Static<typeof Bill>;

export const TaskView = Type.Object({ ...TaskRecord.properties, bill: Bill }, closed);
