import { Type } from 'typebox';
import { IpNetwork } from '../interface/values.ts';
import { closed, count, GIB } from './schema-parts.ts';

/*
 * The runtimes' own options, as `runtimeRegistry` hands them on. Each runtime checks its section again by its own
 * schema, which a test holds against this one. An option without a default here is one that the runtime decides on
 * where it runs.
 */

const path = (description: string, value: string) =>
  Type.String({ minLength: 1, maxLength: 4096, pattern: '^/', default: value, description });
const AbsolutePath = Type.String({ minLength: 1, maxLength: 4096, pattern: '^/' });

const dockerSchema = Type.Object(
  {
    socketPath: path("The engine's socket", '/var/run/docker.sock'),
    enginePatienceMs: count(
      'How long a call waits for an engine that is away before it fails',
      20_000,
      0,
      3_600_000,
    ),
    engineRuntime: Type.Optional(
      Type.String({
        pattern: '^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$',
        description: "A runtime that the engine knows, e.g. `runsc`; without it the engine's own",
      }),
    ),
    user: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]{0,9}:[0-9]{1,10}$',
        description:
          'Whom programs run as, `uid:gid`, never root; without it `1000:1000`, or the user of a daemon that is not root',
      }),
    ),
    network: Type.Optional(
      Type.String({
        pattern: '^(?!(host|none|default)$)[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$',
        description:
          "The engine's network for agreements that ask for one, sold by presets with `network`; without it none is sold. Programs reach the public internet through it, as far as that network leads there, and nothing else",
      }),
    ),
    networkAllow: Type.Array(IpNetwork, {
      maxItems: 64,
      default: [],
      description:
        'What programs may reach over `network` although it is not on the public internet: addresses, and networks like `10.1.0.0/16`; `0.0.0.0/0`: all that it leads to',
    }),
    pidsLimit: count('Most processes and threads of an activity', 512, 8, 32_768),
    openFilesLimit: count('Most open files of a process', 4096, 16, 1_048_576),
    maxImageBytes: count('An image may unpack to so much', 16 * GIB),
    imageCacheBytes: count(
      'Images that came with packages, or were pulled for them, are kept up to so much, the ones used last',
      32 * GIB,
    ),
    registries: Type.Array(Type.String({ pattern: '^[a-zA-Z0-9.:-]{1,253}$' }), {
      maxItems: 64,
      default: ['docker.io'],
      description: 'Registries that images may be pulled from; none with an empty list',
    }),
    volume: Type.Optional(
      Type.Union([Type.Literal('filesystem'), Type.Literal('measured')], {
        description:
          "How the quota of an activity's disk is held: a file system of that size, or measuring; without it the former where it works",
      }),
    ),
    cgroupRoot: path("Where the host's control groups are", '/sys/fs/cgroup'),
    hostPaths: Type.Record(AbsolutePath, AbsolutePath, {
      maxProperties: 16,
      default: {},
      description:
        'For a daemon in a container: its directories, and the host\'s own paths of them, e.g. `{"/data":"/srv/ergon"}`',
    }),
    orphanGraceSeconds: count(
      'A container whose supervisor is dead ends itself after this long',
      60,
      1,
      86_400,
    ),
  },
  closed,
);

const wasiSchema = Type.Object(
  {
    sandbox: Type.Optional(
      Type.Union(
        (['bubblewrap', 'setpriv', 'permission'] as const).map((sandbox) => Type.Literal(sandbox)),
        { description: 'Only this sandbox and no weaker one; without it the strongest that works' },
      ),
    ),
    cgroups: Type.Optional(
      Type.Boolean({
        description: 'Limit and meter by control groups; without it where the machine has them',
      }),
    ),
  },
  closed,
);

/** `runtimes`: a section for each runtime that has options. */
export const runtimesSchema = Type.Object({ docker: dockerSchema, wasi: wasiSchema }, closed);
