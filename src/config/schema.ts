import { Type, type Static } from 'typebox';
import { CounterName, Multiaddr, WebOrigin } from '../interface/values.ts';
import { providerSchema } from './provider-schema.ts';
import { runtimesSchema } from './runtimes-schema.ts';
import { closed, count, flag, GIB, text, TokenAmount } from './schema-parts.ts';
import { yagnaSchema } from './yagna-schema.ts';

/** Where a node keeps everything, unless told otherwise. */
export const DEFAULT_DATA_DIR = '~/.ergon';

const multiaddrs = (description: string, value: string[]) =>
  Type.Array(Multiaddr, { maxItems: 64, default: value, description });

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

const requestorSchema = Type.Object(
  {
    enabled: flag('Take tasks over REST and run them on other nodes', true),
    maxStartPrice: Type.Optional(
      Type.String({
        ...TokenAmount,
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
              ...TokenAmount,
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
    retention: Type.Object(
      {
        days: count(
          'For how long what is over is kept: events, how activities went (scripts, results, samples, logs) once their bills are settled, agreements that nobody made; and for how long a task that is over waits for the invoice of a provider that sends none; 0: for ever. Signed agreements, bills and payments are kept for good. Tasks, their results, packages and uploads are yours: none of them is deleted by itself, but by `ergon task remove`, `task prune`, `package remove` and `blob remove`',
          90,
          0,
          36_500,
        ),
      },
      closed,
    ),
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
