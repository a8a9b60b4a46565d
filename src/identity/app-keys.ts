import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Type, type Static } from 'typebox';
import type { Clock } from '../interface/clock.ts';
import type { Bucket, Store } from '../interface/store.ts';
import { Id, Timestamp, WebOrigin } from '../interface/values.ts';
import { checker, problems, problemText } from '../util/check.ts';
import type { NewId } from '../util/id.ts';
import { sha256 } from '../util/sha256.ts';
import { IdentityError } from './errors.ts';
import { Scopes, type Scope } from './scopes.ts';

const closed = { additionalProperties: false } as const;

/** From whose pages browsers may use a key. */
export const CorsOrigins = Type.Array(WebOrigin, { minItems: 1, maxItems: 32, uniqueItems: true });

/** An app-key as the books hold it: never the key itself. */
export const AppKeyRecord = Type.Object(
  {
    appKeyId: Id,
    name: Type.String({ minLength: 1, maxLength: 64 }),
    scopes: Scopes,
    /** Web origins whose pages may use the key in a browser. */
    corsOrigins: Type.Optional(CorsOrigins),
    /** SHA-256 of the secret part, hex. */
    secretHash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    createdAt: Timestamp,
    expiresAt: Type.Optional(Timestamp),
    revokedAt: Type.Optional(Timestamp),
  },
  closed,
);
export type AppKeyRecord = Omit<Static<typeof AppKeyRecord>, 'scopes'> & { scopes: Scope[] };

const checkRecord = checker(AppKeyRecord, 'app-key record');
/** App-keys by appKeyId, without their secrets: a hash of each stands there. */
export const appKeyBucket: Bucket<AppKeyRecord> = {
  name: 'app-key',
  check: checkRecord,
};

/** A key to be made. */
export interface AppKeyRequest {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Milliseconds since the epoch; a key without it does not expire. */
  readonly expiresAt?: number;
  /** Web origins from whose pages the key may be used; from none without it. */
  readonly corsOrigins?: readonly string[];
}

/** The caller that a valid key stands for. */
export interface AppKeyHolder {
  readonly appKeyId: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly corsOrigins?: readonly string[];
}

/** The keys with which programs and people come to the REST API. */
export interface AppKeys {
  /** `key` is shown here and never again. Throws ERR_IDENTITY_APP_KEY_INVALID. */
  create(request: AppKeyRequest): Promise<{ key: string; record: AppKeyRecord }>;
  /** Newest first, revoked and expired ones too. */
  list(): Promise<AppKeyRecord[]>;
  /** Idempotent. Throws ERR_IDENTITY_APP_KEY_NOT_FOUND. */
  revoke(appKeyId: string): Promise<AppKeyRecord>;
  /** Undefined for a key that is unknown, revoked or expired: the caller is not told which. */
  authenticate(key: string): Promise<AppKeyHolder | undefined>;
}

export interface AppKeysInit {
  /** How many keys there may be. Default 1000. */
  readonly maxKeys?: number;
}

export interface AppKeysComponents {
  readonly store: Store;
  readonly clock: Clock;
  readonly newId: NewId;
}

const KEY = /^ergon_([A-Za-z0-9-]{1,64})_([A-Za-z0-9_-]{43})$/;
const Request = Type.Object(
  {
    name: AppKeyRecord.properties.name,
    scopes: Scopes,
    expiresAt: Type.Optional(Timestamp),
    corsOrigins: Type.Optional(CorsOrigins),
  },
  closed,
);

/** The keys to the REST API of this node, kept as hashes. */
export function appKeys(init: AppKeysInit, components: AppKeysComponents): AppKeys {
  const { store, clock } = components;
  const list = async (): Promise<AppKeyRecord[]> =>
    (await store.list(appKeyBucket, { reverse: true })).map(({ value }) => value);

  return {
    list,

    async create(request) {
      checkRequest(request, clock.now());
      if ((await list()).length >= (init.maxKeys ?? 1000)) throw invalid('there are too many app-keys');
      const appKeyId = components.newId();
      const secret = randomBytes(32).toString('base64url');
      const record: AppKeyRecord = {
        appKeyId,
        name: request.name,
        scopes: [...new Set(request.scopes)],
        secretHash: hashOf(secret).toString('hex'),
        createdAt: clock.now(),
        ...(request.expiresAt === undefined ? {} : { expiresAt: request.expiresAt }),
        ...(request.corsOrigins === undefined ? {} : { corsOrigins: [...request.corsOrigins] }),
      };
      await store.transact(async (tx) => {
        tx.put(appKeyBucket, appKeyId, record);
        tx.emit({
          type: 'app-key.created',
          subject: appKeyId,
          data: { name: record.name, scopes: record.scopes },
        });
      });
      return { key: `ergon_${appKeyId}_${secret}`, record };
    },

    revoke: (appKeyId) =>
      store.transact(async (tx) => {
        const record = await tx.get(appKeyBucket, appKeyId);
        if (record === undefined) {
          throw new IdentityError(
            'ERR_IDENTITY_APP_KEY_NOT_FOUND',
            `There is no app-key ${appKeyId.slice(0, 64)}`,
          );
        }
        if (record.revokedAt !== undefined) return record;
        const revoked = { ...record, revokedAt: clock.now() };
        tx.put(appKeyBucket, appKeyId, revoked);
        tx.emit({ type: 'app-key.revoked', subject: appKeyId, data: { name: record.name } });
        return revoked;
      }),

    async authenticate(key) {
      const [, appKeyId, secret] = KEY.exec(key) ?? [];
      if (appKeyId === undefined || secret === undefined) return undefined;
      const record = await store.get(appKeyBucket, appKeyId);
      if (record === undefined || !matches(secret, record)) return undefined;
      if (record.revokedAt !== undefined || (record.expiresAt ?? Infinity) <= clock.now()) return undefined;
      const { name, scopes, corsOrigins } = record;
      return { appKeyId, name, scopes, ...(corsOrigins !== undefined && { corsOrigins }) };
    },
  };
}

/**
 * One SHA-256 is right for a secret of 256 random bits: nobody can try them out, so a slow hash would only make each
 * request slow, and the daemon easy to overload.
 */
export function hashOf(secret: string): Buffer {
  return sha256(secret);
}

function matches(secret: string, record: AppKeyRecord): boolean {
  return timingSafeEqual(hashOf(secret), Buffer.from(record.secretHash, 'hex'));
}

function checkRequest(request: AppKeyRequest, now: number): void {
  const wrong = problems(Request, request);
  if (wrong.length > 0) throw invalid(wrong.map(problemText).join('; '));
  if (request.expiresAt !== undefined && request.expiresAt <= now)
    throw invalid('it would have expired already');
}

function invalid(why: string): IdentityError {
  return new IdentityError('ERR_IDENTITY_APP_KEY_INVALID', `This app-key cannot be made: ${why}`);
}
