import { Type, type Static } from 'typebox';
import { IpNetwork } from '../../src/interface/values.ts';
import { MAX_ACTIVITY_NETWORKS } from '../../src/interface/vpn.ts';
import { handleCodec } from '../shared/handle-codec.ts';

const GuestPath = Type.String({ minLength: 1 });
/** What every container has, and what an image and a deployment may name. */
const MAX_DIRECTORIES = 64;
const Bytes = Type.Integer({ minimum: 0 });
const Bits = Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 });

/** All that another process needs to take a deployment over, or to end it. */
const Handle = Type.Object(
  {
    version: Type.Literal(1),
    container: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    workDir: Type.String({ minLength: 1, maxLength: 4096, pattern: '^/' }),
    memoryBytes: Bytes,
    storageBytes: Bytes,
    pidsLimit: Type.Integer({ minimum: 1 }),
    uid: Type.Integer({ minimum: 0 }),
    gid: Type.Integer({ minimum: 0 }),
    volume: Type.Union([Type.Literal('filesystem'), Type.Literal('measured')]),
    /** Where the guest finds the directories of the volume that have the same paths there; absent in older handles. */
    directories: Type.Optional(Type.Array(GuestPath, { maxItems: MAX_DIRECTORIES })),
    workingDirectory: Type.Optional(GuestPath),
    /** It has the outside network, and is to be kept from all but the public internet and these. */
    fence: Type.Optional(Type.Array(IpNetwork, { maxItems: 64 })),
    networks: Type.Optional(
      Type.Array(Type.Object({ address: Bits, mask: Bits }, { additionalProperties: false }), {
        maxItems: MAX_ACTIVITY_NETWORKS,
      }),
    ),
  },
  { additionalProperties: false },
);
export type Handle = Static<typeof Handle>;
export const handles = handleCodec(Handle, 'Docker');
