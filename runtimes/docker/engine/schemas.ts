import { Type, type Static } from 'typebox';
import { checker } from '../../../src/util/check.ts';

/* What we read of the engine's replies; the rest of them is not looked at. */

const Text = Type.String({ maxLength: 65_536 });
const Texts = Type.Array(Text, { maxItems: 65_536 });
const Labels = Type.Record(Type.String(), Type.String());
const Id = Type.String({ pattern: '^[0-9a-f]{64}$' });
/** Go writes an empty list or map as null. */
const orNull = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) =>
  Type.Optional(Type.Union([schema, Type.Null()]));

export const Info = Type.Object({
  Driver: Text,
  CgroupVersion: Type.Optional(Text),
  CgroupDriver: Type.Optional(Text),
  ServerVersion: Text,
  OSType: Text,
  MemoryLimit: Type.Boolean(),
  SwapLimit: Type.Boolean(),
  PidsLimit: Type.Boolean(),
  CpuCfsQuota: Type.Optional(Type.Boolean()),
  LiveRestoreEnabled: Type.Boolean(),
  DefaultRuntime: Text,
  Runtimes: orNull(Type.Record(Type.String(), Type.Object({ runtimeArgs: orNull(Texts) }))),
  SecurityOptions: orNull(Texts),
  Warnings: orNull(Texts),
});
export type Info = Static<typeof Info>;
export const checkInfo = checker(Info, 'engine information');

export const Created = Type.Object({ Id });
export const checkCreated = checker(Created, "engine's reply to a creation");

export const Container = Type.Object({
  Id,
  State: Type.Object({
    Status: Text,
    Running: Type.Boolean(),
    Paused: Type.Boolean(),
    OOMKilled: Type.Boolean(),
    Pid: Type.Integer(),
    ExitCode: Type.Integer(),
    Error: Text,
  }),
  Config: Type.Object({ Env: orNull(Texts), WorkingDir: Text, Labels: orNull(Labels) }),
  Mounts: orNull(Type.Array(Type.Object({ Source: Text, Destination: Text }))),
});
export type Container = Static<typeof Container>;
export const checkContainer = checker(Container, 'container as the engine shows it');

export const ContainerSummary = Type.Object({
  Id,
  Created: Type.Integer(),
  Names: orNull(Texts),
  Labels: orNull(Labels),
});
export type ContainerSummary = Static<typeof ContainerSummary>;
export const checkContainers = checker(Type.Array(ContainerSummary), "engine's list of containers");

export const Image = Type.Object({
  Id: Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }),
  RepoTags: orNull(Texts),
  RepoDigests: orNull(Texts),
  Size: Type.Integer({ minimum: 0 }),
  Os: Text,
  Architecture: Text,
  Config: orNull(
    Type.Object({
      Env: orNull(Texts),
      WorkingDir: Type.Optional(Text),
      Volumes: orNull(Type.Record(Type.String(), Type.Unknown())),
    }),
  ),
  Metadata: orNull(Type.Object({ LastTagTime: orNull(Text) })),
});
export type Image = Static<typeof Image>;
export const checkImage = checker(Image, 'image as the engine shows it');

export const checkImages = checker(
  Type.Array(Type.Object({ Id: Text, RepoTags: orNull(Texts), Size: Type.Integer() })),
  "engine's list of images",
);

/** One line of the progress of a load or a pull. */
export const Progress = Type.Object({ error: Type.Optional(Text), stream: Type.Optional(Text) });
export const checkProgress = checker(Progress, 'progress line of the engine');
