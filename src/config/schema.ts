import { Type, type Static } from 'typebox';
import {
  Address,
  CounterName,
  Multiaddr,
  PlatformName,
  RuntimeName,
  WebOrigin,
} from '../interface/values.ts';
import { runtimesSchema } from './runtimes-schema.ts';

const closed = { additionalProperties: false } as const;
/** Where a node keeps everything, unless told otherwise. */
export const DEFAULT_DATA_DIR = '~/.ergon';

const DAY_MS = 24 * 3600 * 1000;
const GIB = 1024 ** 3;

const text = (description: string, value: string, maxLength = 1024) =>
  Type.String({ minLength: 1, maxLength, default: value, description });
const flag = (description: string, value: boolean) => Type.Boolean({ default: value, description });
const count = (description: string, value: number, minimum = 0, maximum = Number.MAX_SAFE_INTEGER) =>
  Type.Integer({ minimum, maximum, default: value, description });
const durationMs = (description: string, value: number, minimum = 1) =>
  count(description, value, minimum, 366 * DAY_MS);
const multiaddrs = (description: string, value: string[]) =>
  Type.Array(Multiaddr, { maxItems: 64, default: value, description });
const addresses = (description: string) => Type.Array(Address, { maxItems: 4096, default: [], description });

/** Of a day, up to 24:00. */
const TIME = '(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)';
const tokenPattern = '^(0|[1-9][0-9]{0,20})(\\.[0-9]{1,18})?$';
/** An amount in whole tokens; converted to smallest units where money is computed with. */
export const TokenAmount = Type.String({ pattern: tokenPattern });
const PerCounter = Type.Record(CounterName, TokenAmount, {
  maxProperties: 32,
  ...closed,
});

/** In whole tokens. */
const DEFAULT_PRICING = {
  startPrice: '0',
  perCounter: { 'golem.usage.cpu_sec': '0.0001', 'golem.usage.duration_sec': '0.00001' },
};

export const Preset = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }),
    runtime: RuntimeName,
    pricing: Type.Object(
      {
        startPrice: TokenAmount,
        perCounter: PerCounter,
        /** Usage counts from the deployment on. */
        deploymentBilled: Type.Optional(Type.Boolean()),
      },
      closed,
    ),
    /** Agreements may ask for the network that the runtime's options name; this preset's prices are for that too. */
    network: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type Preset = Static<typeof Preset>;

const networkSchema = Type.Object(
  {
    listen: multiaddrs('Addresses to listen on; port 0 takes any free one', ['/ip4/0.0.0.0/tcp/7464']),
    announce: multiaddrs(
      'Addresses to tell peers instead of those listened on, e.g. behind a port mapping',
      [],
    ),
    bootstrap: multiaddrs('Peers to connect to first, each ending in `/p2p/<PeerId>`', []),
    mdns: flag('Find peers on the local network by multicast DNS', true),
    maxConnections: count('Most connections at a time', 300, 1, 100_000),
  },
  closed,
);

const apiSchema = Type.Object(
  {
    host: text('Address that the REST API listens on', '127.0.0.1', 256),
    port: count('Port of the REST API; 0 takes any free one', 7465, 0, 65_535),
    maxPackageBytes: count('Largest task package or blob that is taken', GIB, 1),
    rateLimitPerMinute: count('Most requests a minute from one address', 6_000, 1),
    corsOrigins: Type.Array(WebOrigin, {
      maxItems: 64,
      default: [],
      description:
        'Web origins (`https://app.example.com`, `*` for all) whose pages may call the API in a browser with any app-key; `ergon app-key create --cors-origin` allows one for one key',
    }),
  },
  closed,
);

const identitySchema = Type.Object(
  {
    keystorePath: text('Encrypted keystore, made on first start; relative to `dataDir`', 'keystore.json'),
    passphraseFile: text(
      'File with its passphrase, used when ERGON_PASSPHRASE is not set, and made on first start; relative to `dataDir`',
      'passphrase',
    ),
    chainId: count('Chain id in the EIP-712 domain of all that is signed', 1, 1),
  },
  closed,
);

const providerSchema = Type.Object(
  {
    enabled: flag("Sell this machine's compute", true),
    runtimes: Type.Array(RuntimeName, {
      maxItems: 16,
      uniqueItems: true,
      default: ['wasi', 'docker'],
      description: 'Runtimes to offer; one that cannot run on this machine is left out of the offers',
    }),
    hardware: Type.Object(
      {
        cpuThreads: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 4096,
            description: 'CPU threads to sell; without it all but one',
          }),
        ),
        memoryBytes: Type.Optional(
          Type.Integer({
            minimum: 65_536,
            description: 'Memory to sell; without it a share of what the machine has',
          }),
        ),
        storageBytes: Type.Optional(
          Type.Integer({
            minimum: 0,
            description: 'Disk space to sell; without it a share of what is free at `dataDir`',
          }),
        ),
      },
      closed,
    ),
    maxAgreements: count('Most agreements at a time', 16, 1, 4096),
    presets: Type.Array(Preset, {
      maxItems: 64,
      default: ['wasi', 'docker'].map((runtime) => ({ name: runtime, runtime, pricing: DEFAULT_PRICING })),
      description:
        'What to offer at which price, in whole tokens: at the start, and per unit of each usage counter, with `"deploymentBilled": true` in `pricing` from the deployment on; with `"network": true` agreements may have the network that the options of the runtime name',
    }),
    debitNoteIntervalMs: durationMs('Distance of debit notes while an activity runs', 120_000, 1_000),
    debitNoteAcceptTimeoutMs: durationMs(
      'A debit note that is not accepted within this time ends the agreement',
      240_000,
    ),
    paymentTimeoutMs: durationMs('An invoice is due so long after it is issued', DAY_MS),
    idleAgreementTimeoutMs: durationMs('An agreement without an activity for so long is ended', 90_000),
    maxOutputBytes: count(
      'stdout and stderr of an activity are kept up to this size each; more ends it',
      GIB,
      1,
    ),
    offerTtlMs: durationMs('Offers are renewed before they are this old', 3_600_000, 10_000),
    warmPool: Type.Record(RuntimeName, Type.Integer({ minimum: 0, maximum: 64 }), {
      ...closed,
      maxProperties: 16,
      default: { wasi: 1 },
      description: 'Supervisors kept ready per runtime, which hides their start-up time',
    }),
    sampleIntervalMs: durationMs(
      'Distance of measurements and usage samples; of an activity older than a thousand of these the samples are written down further apart, at least four to a debit note',
      1_000,
      10,
    ),
    quarantineAfterBoots: count(
      'An activity is ended as `Quarantined` when this node went down within seconds of taking it up, so often in a row; 0: never',
      8,
      0,
      1000,
    ),
    transfer: Type.Object(
      {
        cacheBytes: count(
          'What was fetched for activities is kept up to so many bytes for others that want the same, the used last',
          10 * GIB,
        ),
        allowHosts: Type.Array(Type.String({ pattern: '^[A-Za-z0-9.:*_/-]{1,256}$' }), {
          maxItems: 256,
          default: [],
          description:
            'Hosts that activities may transfer from and to although they are not on the public internet: names, `*.example.org`, addresses, networks like `10.1.0.0/16`',
        }),
      },
      closed,
    ),
    schedule: Type.Object(
      {
        hours: Type.Record(
          Type.String({ pattern: '^(mon|tue|wed|thu|fri|sat|sun)$' }),
          Type.Array(Type.String({ pattern: `^${TIME}-${TIME}$` }), { maxItems: 16 }),
          {
            ...closed,
            default: {},
            description:
              'When to sell, in local time: weekday (`mon` to `sun`) to ranges like `22:00-06:00`; outside of them, and on days that are left out, all is paused. Empty: always',
          },
        ),
        maxLoadAverage: Type.Optional(
          Type.Number({
            exclusiveMinimum: 0,
            maximum: 65_536,
            description:
              'All is paused while the load average of the last minute is higher, the threads of running activities not counted',
          }),
        ),
        pauseOnBattery: flag('All is paused while the machine runs on its battery', false),
      },
      closed,
    ),
    allow: addresses('If not empty, only these requestors are dealt with'),
    deny: addresses('Requestors that are not dealt with'),
  },
  closed,
);

const requestorSchema = Type.Object(
  {
    enabled: flag('Take tasks over REST and run them on other nodes', true),
    maxStartPrice: Type.Optional(
      Type.String({
        pattern: tokenPattern,
        description: 'Offers with a higher start price are passed over, in whole tokens',
      }),
    ),
    maxPricePerCounter: Type.Record(CounterName, TokenAmount, {
      ...closed,
      maxProperties: 32,
      default: {},
      description: 'Offers with a higher price per unit of a usage counter are passed over, in whole tokens',
    }),
  },
  closed,
);

/** What stock clients of Yagna name when they are told nothing else. */
const YAGNA_PLATFORMS = ['erc20-holesky-tglm', 'erc20-hoodi-tglm', 'erc20-polygon-glm'];
/** What stock programs name most, as the container images that they are of; an upload of the same name goes before. */
const YAGNA_IMAGES = {
  'golem/alpine:latest':
    'docker://docker.io/library/alpine@sha256:a8560b36e8b8210634f77d9f7f9efd7ffa463e380b75e2e74aff4511df3ef88c',
  'golem/node:latest':
    'docker://docker.io/library/node@sha256:fb4cd12c85ee03686f6af5362a0b0d56d50c58a04632e6c0fb8363f609372293',
  'golem/node:20-alpine':
    'docker://docker.io/library/node@sha256:fb4cd12c85ee03686f6af5362a0b0d56d50c58a04632e6c0fb8363f609372293',
};
const ImageSource = Type.String({
  maxLength: 2048,
  pattern:
    '^(docker://[^@\\s]{1,512}@sha256:[0-9a-f]{64}|sha256:[0-9a-f]{64}|sha3:[0-9a-f]{56,128}:https?://\\S+)$',
});

const yagnaSchema = Type.Object(
  {
    enabled: flag(
      'Serve the Yagna-compatible REST API, and offer runtimes under their alias names too',
      true,
    ),
    appKey: Type.Optional(
      Type.String({
        minLength: 8,
        maxLength: 128,
        pattern: '^[!-~]+$',
        description:
          'A further app-key, with the scope `requestor`, for programs that have one written into them (`try_golem` in some examples); whoever knows it can spend, so only for an API that nobody else reaches',
      }),
    ),
    platforms: Type.Record(PlatformName, PlatformName, {
      ...closed,
      maxProperties: 32,
      default: Object.fromEntries(YAGNA_PLATFORMS.map((name) => [name, 'ledger'])),
      description:
        'Payment platforms as clients of Yagna name them, and the platform of this node that serves each',
    }),
    runtimeAliases: Type.Record(RuntimeName, RuntimeName, {
      ...closed,
      maxProperties: 16,
      default: { vm: 'docker', wasmtime: 'wasi' },
      description: 'Further names under which runtimes are offered: alias to runtime',
    }),
    images: Type.Record(Type.String({ pattern: '^[A-Za-z0-9._/:@-]{1,256}$' }), ImageSource, {
      ...closed,
      maxProperties: 1024,
      default: YAGNA_IMAGES,
      description:
        'Image tags of `/v1/image/info`, beside the names of uploaded packages: tag to `docker://name@sha256:…`, `sha256:…` of an uploaded package, or `sha3:<hash>:<http url>`',
    }),
  },
  closed,
);

/** Every setting: its type, bounds, default and description. Settings without a default may stay unset. */
export const configSchema = Type.Object(
  {
    dataDir: text(
      'Where this node keeps its books, keystore, blobs and activities; `~` is the home directory',
      DEFAULT_DATA_DIR,
    ),
    name: text("The node's name, in its offers", 'ergon', 64),
    subnet: Type.String({
      pattern: '^[A-Za-z0-9._-]{1,64}$',
      default: 'public',
      description: 'Market to take part in: nodes deal only with nodes of the same subnet',
    }),
    network: networkSchema,
    api: apiSchema,
    identity: identitySchema,
    provider: providerSchema,
    runtimes: runtimesSchema,
    requestor: requestorSchema,
    payment: Type.Object(
      {
        ledger: Type.Object(
          {
            creditLimit: Type.String({
              pattern: tokenPattern,
              default: '10',
              description: 'Most that one peer may owe this node on the ledger, in whole tokens',
            }),
          },
          closed,
        ),
      },
      closed,
    ),
    yagna: yagnaSchema,
    log: Type.Object(
      {
        level: Type.Union(
          (['debug', 'info', 'warn', 'error', 'silent'] as const).map((level) => Type.Literal(level)),
          { default: 'info', description: 'The least level that is logged' },
        ),
        format: Type.Union([Type.Literal('json'), Type.Literal('text')], {
          default: 'json',
          description: 'One JSON object a line, or lines for people',
        }),
      },
      closed,
    ),
  },
  closed,
);

type Plain<T> = T extends (infer Item)[]
  ? readonly Plain<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Plain<T[Key]> }
    : T;

/** All settings, checked and frozen; paths are absolute. */
export type Config = Plain<Static<typeof configSchema>>;
