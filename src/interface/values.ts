import { Type, type Static } from 'typebox';

/**
 * The plain values that documents, wire messages, records and REST bodies are made of, each with its bounds.
 * An amount of money is a decimal string of the platform's smallest unit wherever it is written down, and a
 * bigint wherever it is computed with.
 */
export const Amount = Type.String({
  pattern: '^(0|[1-9][0-9]{0,38})$',
  description: 'Smallest units of the payment platform',
});
export type Amount = Static<typeof Amount>;

/** A quantity of a usage counter in billionths of the counter's unit (nanoseconds for a counter in seconds). */
export const NanoUnits = Type.String({
  pattern: '^(0|[1-9][0-9]{0,38})$',
  description: "Billionths of the counter's unit",
});
export type NanoUnits = Static<typeof NanoUnits>;

/** An Ethereum address, EIP-55 checksummed. */
export const Address = Type.String({ pattern: '^0x[0-9a-fA-F]{40}$' });
/** 65-byte ECDSA signature, hex. */
export const Signature = Type.String({ pattern: '^0x[0-9a-f]{130}$' });
/** 32-byte digest, hex. */
export const Digest = Type.String({ pattern: '^0x[0-9a-f]{64}$' });
/** The SHA-256 of each of a blob's chunks of 1 MiB, in their order; as many as a blob of 64 GiB has. */
export const ChunkHashes = Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), { maxItems: 65_536 });
/** Content address of a blob: `sha256:` and the SHA-256 of its bytes in hex. */
export const BlobHash = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' });
export type BlobHash = Static<typeof BlobHash>;
/** A container image by name and digest; a tag may stand beside the digest and means nothing. */
export const PinnedImage = Type.String({
  maxLength: 1024,
  pattern: '^[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[0-9a-f]{64}$',
  description: 'A container image with its digest: `registry/name@sha256:…`',
});
/** A usage counter: `golem.usage.cpu_sec`. */
export const CounterName = Type.String({ pattern: '^[a-zA-Z0-9._-]{1,128}$' });
/** A runtime, or an alias of one: `wasi`, `vm`. */
export const RuntimeName = Type.String({ pattern: '^[a-z0-9._-]{1,64}$' });
/** A payment platform: `ledger`. */
export const PlatformName = Type.String({ pattern: '^[a-z0-9-]{1,64}$' });
/** An address or a network: `10.1.2.3`, `10.1.0.0/16`, `fd00::/8`. */
export const IpNetwork = Type.String({
  maxLength: 64,
  pattern:
    '^((25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)(\\.(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)){3}(/(3[0-2]|[12]?\\d))?' +
    '|[0-9a-fA-F:]*:[0-9a-fA-F:]*(/(12[0-8]|1[01]\\d|[1-9]?\\d))?)$',
});
/** An id made by one of the nodes (UUIDv7, so ids sort by time). */
export const Id = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' });
/** libp2p PeerId in base58. */
export const PeerId = Type.String({ pattern: '^[1-9A-HJ-NP-Za-km-z]{40,64}$' });
/** Where a node listens, as libp2p writes it: `/ip4/192.0.2.1/tcp/4001`. */
export const Multiaddr = Type.String({ minLength: 1, maxLength: 256 });
/** Milliseconds since the epoch. */
export const Timestamp = Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 });
const MAX_DURATION_MS = 366 * 24 * 3600 * 1000;
/** Milliseconds, up to 366 days. */
export const DurationMs = Type.Integer({ minimum: 0, maximum: MAX_DURATION_MS });
/** No value of it means "no limit": whoever wants none leaves it out. */
export const TimeLimitMs = Type.Integer({ minimum: 1, maximum: MAX_DURATION_MS });
/** A number of bytes, or an offset. */
export const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const Scalar = Type.Union([Type.String({ maxLength: 4096 }), Type.Number(), Type.Boolean()]);
/** Flat dotted properties. A key may end in `@d`, `@v` or `@t` (decimal, version, datetime) to type a string. */
export const Properties = Type.Record(
  Type.String({ pattern: '^[^\\s=<>()*!&|]{1,256}$' }),
  Type.Union([Scalar, Type.Array(Scalar, { maxItems: 256 })]),
  // Without this a key that the pattern refuses would pass with any value.
  { maxProperties: 512, additionalProperties: false },
);
export type Properties = Static<typeof Properties>;

/** Where a page comes from, as browsers send it: scheme, host, and a port that is not the scheme's own; or `*`. */
export const WebOrigin = Type.String({
  pattern: '^(\\*|[a-z][a-z0-9+.-]*://[^/?#@\\s*A-Z]+)$',
  maxLength: 256,
});

/** A constraint filter in LDAP style. */
export const Constraints = Type.String({ maxLength: 16_384 });

/** A typed reason: `code` for programs, `message` for people, `detail` with the figures. */
export const Reason = Type.Object(
  {
    code: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]{0,63}$' }),
    message: Type.String({ maxLength: 2048 }),
    detail: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }),
        Type.Union([Type.String({ maxLength: 1024 }), Type.Number(), Type.Boolean()]),
        { maxProperties: 64, additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type Reason = Static<typeof Reason>;
