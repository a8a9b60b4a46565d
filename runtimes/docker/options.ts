import { Type, type Static } from 'typebox';
import { IpNetwork } from '../../src/interface/values.ts';
import { problems, problemText } from '../../src/util/check.ts';
import { RuntimeError } from '../errors.ts';

const Path = Type.String({ minLength: 1, maxLength: 4096, pattern: '^/' });
const Name = Type.String({ pattern: '^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$' });
const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** The engine's own names for the host's network, and for none. */
const NetworkName = Type.String({ pattern: '^(?!(host|none|default)$)[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$' });

/** The section `runtimes.docker` of the configuration. */
export const Options = Type.Object(
  {
    /** The engine's unix socket. */
    socketPath: Type.Optional(Path),
    /** How long a call waits for an engine that is away, before it fails as unreachable. */
    enginePatienceMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600_000 })),
    /** A runtime that the engine knows, e.g. `runsc`; absent: the engine's default. */
    engineRuntime: Type.Optional(Name),
    /** Whom the container's programs run as, `uid:gid`; absent: 1000:1000, or the daemon's own user when that is not root. */
    user: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,9}:[0-9]{1,10}$' })),
    /** The engine's network for activities whose agreement grants one; absent: none is granted. */
    network: Type.Optional(NetworkName),
    /** What may be reached over it although it is not on the public internet; `0.0.0.0/0`: all that it leads to. */
    networkAllow: Type.Optional(Type.Array(IpNetwork, { maxItems: 64 })),
    pidsLimit: Type.Optional(Type.Integer({ minimum: 8, maximum: 32_768 })),
    openFilesLimit: Type.Optional(Type.Integer({ minimum: 16, maximum: 1_048_576 })),
    /** An image may unpack to so much. */
    maxImageBytes: Type.Optional(Bytes),
    /** Images that this runtime loaded are kept up to so much, the ones used last. */
    imageCacheBytes: Type.Optional(Bytes),
    /** Registries that an image may be pulled from. */
    registries: Type.Optional(
      Type.Array(Type.String({ pattern: '^[a-zA-Z0-9.:-]{1,253}$' }), { maxItems: 64 }),
    ),
    /** How the volume's quota is held: a file system of its own, or by measuring; absent: the former where it works. */
    volume: Type.Optional(Type.Union([Type.Literal('filesystem'), Type.Literal('measured')])),
    /** Where the host's control groups are mounted. */
    cgroupRoot: Type.Optional(Path),
    /** Directories as the engine names them, by our name for them, when the daemon itself runs in a container. */
    hostPaths: Type.Optional(Type.Record(Path, Path, { maxProperties: 16 })),
    /** A container without its supervisor ends after this long. */
    orphanGraceSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  },
  { additionalProperties: false },
);

export type DockerRuntimeInit = Static<typeof Options>;
export type DockerSettings = Readonly<
  Required<Omit<DockerRuntimeInit, 'engineRuntime' | 'network' | 'volume'>> &
    Pick<DockerRuntimeInit, 'engineRuntime' | 'network' | 'volume'>
>;

const GIB = 1024 ** 3;

const DEFAULTS = {
  socketPath: '/var/run/docker.sock',
  enginePatienceMs: 20_000,
  pidsLimit: 512,
  openFilesLimit: 4096,
  maxImageBytes: 16 * GIB,
  imageCacheBytes: 32 * GIB,
  networkAllow: [],
  registries: ['docker.io'],
  cgroupRoot: '/sys/fs/cgroup',
  hostPaths: {},
  orphanGraceSeconds: 60,
};

/** @throws RuntimeError ERR_RUNTIME_OPTIONS naming every wrong option */
export function settingsOf(init: unknown): DockerSettings {
  const wrong = problems(Options, init);
  if (wrong.length > 0) {
    const message = `The options of the Docker runtime are wrong: ${wrong.map(problemText).join('; ')}`;
    throw new RuntimeError('ERR_RUNTIME_OPTIONS', message, { problems: wrong });
  }
  return { ...DEFAULTS, user: defaultUser(), ...(init as DockerRuntimeInit) };
}

/** A daemon that is not root can only remove files of its own user. */
function defaultUser(): string {
  const uid = process.getuid?.() ?? 0;
  return uid === 0 ? '1000:1000' : `${uid}:${process.getgid?.() ?? uid}`;
}

/** The numbers in the setting `user` (`uid:gid`). */
export function userOf(settings: Pick<DockerSettings, 'user'>): { uid: number; gid: number } {
  const [uid = 1000, gid = 1000] = settings.user.split(':').map(Number);
  return { uid, gid };
}
