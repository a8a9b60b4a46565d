import { Type, type Static } from 'typebox';
import { DeployNetwork, EnvVars, Hosts, Ipv4, MAX_ACTIVITY_NETWORKS } from '../../../../interface/index.ts';

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Optional(Type.Union([Type.Null(), schema]));
const Args = nullable(Type.Array(Type.String({ maxLength: 131_072 }), { maxItems: 4096 }));

const Format = Type.Optional(Type.Enum(['string', 'str', 'binary', 'bin']));
const Count = nullable(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));
const Part = Type.Object({ head: Count, tail: Count, headTail: Count });
const AtEnd = Type.Object({ part: nullable(Part), ...Part.properties, format: Format });
const Stream = Type.Object({ limit: Count, format: Format });
const CaptureMode = Type.Object({ atEnd: Type.Optional(AtEnd), stream: Type.Optional(Stream) });
export type CaptureMode = Static<typeof CaptureMode>;
const Capture = Type.Object({ stdout: nullable(CaptureMode), stderr: nullable(CaptureMode) });

const Glob = Type.String({ minLength: 1, maxLength: 512 });
const Globs = nullable(Type.Union([Glob, Type.Array(Glob, { maxItems: 64 })]));
const FileSet = Type.Union([
  Glob,
  Type.Object({ desc: nullable(Type.String({ maxLength: 512 })), includes: Globs, excludes: Globs }),
]);
export type ClientFileSet = Static<typeof FileSet>;

/** Yagna writes its names in two ways. */
const Interval = nullable(Type.String({ maxLength: 64 }));
const Step = nullable(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }));
const Progress = Type.Object({
  updateInterval: Interval,
  'update-interval': Interval,
  updateStep: Step,
  'update-step': Step,
});
export type ClientProgress = Static<typeof Progress>;

const VolumePath = Type.String({ maxLength: 1024 });
const Absent = nullable(Type.Object({}, { additionalProperties: false }));

const ClientNetwork = Type.Object({
  ...DeployNetwork.properties,
  mask: nullable(Ipv4),
  gateway: nullable(Ipv4),
});
export type ClientNetwork = Static<typeof ClientNetwork>;

/**
 * Paths, or what to mount at each. All volumes of an activity are directories of one disk, whose size is agreed on; what
 * they are to be made of, and how large each may become by itself, makes no difference here.
 */
const Volumes = Type.Union([
  Type.Array(VolumePath, { maxItems: 16 }),
  Type.Record(VolumePath, Type.Object({}, { additionalProperties: true }), { maxProperties: 16 }),
]);
export type ClientVolumes = Static<typeof Volumes>;

/** The bodies of Yagna's commands, as far as they are done here; what else stands in them is refused by name. */
export const BODIES = {
  deploy: Type.Object({
    env: nullable(EnvVars),
    volumes: nullable(Volumes),
    progress: nullable(Progress),
    hosts: nullable(Hosts),
    net: nullable(Type.Array(ClientNetwork, { maxItems: MAX_ACTIVITY_NETWORKS })),
    nodes: Absent,
  }),
  start: Type.Object({ args: Args }),
  run: Type.Object({
    entry_point: Type.String({ maxLength: 4096 }),
    args: Args,
    env: nullable(EnvVars),
    capture: nullable(Capture),
  }),
  transfer: Type.Object({
    from: Type.String({ maxLength: 4096 }),
    to: Type.String({ maxLength: 4096 }),
    format: nullable(Type.String({ maxLength: 32 })),
    depth: nullable(Type.Integer({ minimum: 1, maximum: 64 })),
    fileset: nullable(Type.Union([FileSet, Type.Array(FileSet, { maxItems: 64 })])),
    progress: nullable(Progress),
  }),
  sign: Type.Object({}),
  terminate: Type.Object({}),
};
export type CommandName = keyof typeof BODIES;

export type ClientCommand = {
  [Name in CommandName]: { readonly name: Name; readonly body: Static<(typeof BODIES)[Name]> };
}[CommandName];
