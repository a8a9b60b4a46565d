import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { Id, Timestamp, type Bucket, type Clock, type Store } from '../interface/index.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { checker } from '../util/check.ts';
import { DAY_MS } from '../util/durations.ts';
import type { NewId } from '../util/id.ts';
import { sha256 } from '../util/sha256.ts';
import { ApiError } from './errors.ts';

export const IDEMPOTENCY_TTL_MS = DAY_MS;

export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,255}$',
      description: 'Repeating a request with the same key and body within a day gives the first answer again',
    }),
  ),
});

const IdempotencyRecord = Type.Object(
  {
    requestHash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    /** The id of what the request makes, written down before it is made: a repeat after a crash makes no second one. */
    resourceId: Id,
    createdAt: Timestamp,
    answer: Type.Optional(
      Type.Object({ status: Type.Integer(), location: Type.Optional(Type.String()), body: Type.String() }),
    ),
  },
  { additionalProperties: false },
);
type IdempotencyRecord = Static<typeof IdempotencyRecord>;

/** POSTs under an Idempotency-Key, each with its answer once it is done, so that a repeated one gets the same. */
export const idempotencyBucket: Bucket<IdempotencyRecord> = {
  name: 'api-idempotency',
  check: checker(IdempotencyRecord, 'idempotency record'),
};

/** What a POST is answered with, and again when it is repeated. */
export interface Answer<T> {
  readonly status: number;
  readonly location?: string;
  readonly body: T;
}

/**
 * Runs a POST at most once for each Idempotency-Key of a caller. `work` gets the id to make its resource under, and
 * must be idempotent by it; only a success is remembered, since a refused request has changed nothing.
 */
export class Idempotency {
  readonly #store: Pick<Store, 'get' | 'list' | 'transact'>;
  readonly #clock: Clock;
  readonly #newId: NewId;

  constructor(components: { store: Pick<Store, 'get' | 'list' | 'transact'>; clock: Clock; newId: NewId }) {
    this.#store = components.store;
    this.#clock = components.clock;
    this.#newId = components.newId;
  }

  async once<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    work: (resourceId: string) => Promise<Answer<T>>,
  ): Promise<FastifyReply> {
    const key = request.headers['idempotency-key'];
    if (typeof key !== 'string') return send(reply, await work(this.#newId()));
    const recordId = sha256(JSON.stringify([request.caller?.appKeyId, key])).toString('hex');
    const record = await this.#claim(recordId, requestHash(request), key);
    if (record.answer !== undefined) return replay(reply, record.answer);
    const answer = await work(record.resourceId);
    await this.#remember(recordId, answer);
    return send(reply, answer);
  }

  /** Forgets what is older than a day. */
  async purge(): Promise<void> {
    const oldest = this.#clock.now() - IDEMPOTENCY_TTL_MS;
    let after: string | undefined;
    do {
      const page = await this.#store.list(idempotencyBucket, {
        limit: 256,
        ...(after !== undefined && { after }),
      });
      const stale = page.filter(({ value }) => value.createdAt < oldest);
      if (stale.length > 0) {
        await this.#store.transact(async (tx) => {
          for (const { id } of stale) {
            if ((await tx.get(idempotencyBucket, id)) !== undefined) tx.delete(idempotencyBucket, id);
          }
        });
      }
      after = page.length < 256 ? undefined : page.at(-1)?.id;
    } while (after !== undefined);
  }

  async #claim(recordId: string, hash: string, key: string): Promise<IdempotencyRecord> {
    const oldest = this.#clock.now() - IDEMPOTENCY_TTL_MS;
    return this.#store.transact(async (tx) => {
      const found = await tx.get(idempotencyBucket, recordId);
      if (found !== undefined && found.createdAt >= oldest) {
        if (found.requestHash === hash) return found;
        throw new ApiError(
          'ERR_API_IDEMPOTENCY_MISMATCH',
          `Idempotency-Key "${key}" was used for another request`,
          {
            usedAt: found.createdAt,
          },
        );
      }
      const fresh = { requestHash: hash, resourceId: this.#newId(), createdAt: this.#clock.now() };
      tx.put(idempotencyBucket, recordId, fresh);
      return fresh;
    });
  }

  async #remember(recordId: string, answer: Answer<unknown>): Promise<void> {
    const body = JSON.stringify(answer.body);
    await this.#store.transact(async (tx) => {
      const found = await tx.get(idempotencyBucket, recordId);
      if (found === undefined || found.answer !== undefined) return;
      const { status, location } = answer;
      tx.put(idempotencyBucket, recordId, {
        ...found,
        answer: { status, body, ...(location !== undefined && { location }) },
      });
    });
  }
}

function requestHash(request: FastifyRequest): string {
  return sha256(canonicalJson([request.method, request.url, request.body ?? null])).toString('hex');
}

function send(reply: FastifyReply, answer: Answer<unknown>): FastifyReply {
  if (answer.location !== undefined) void reply.header('location', answer.location);
  return reply.code(answer.status).send(answer.body);
}

function replay(reply: FastifyReply, answer: NonNullable<IdempotencyRecord['answer']>): FastifyReply {
  if (answer.location !== undefined) void reply.header('location', answer.location);
  return reply
    .code(answer.status)
    .header('idempotency-replayed', 'true')
    .type('application/json; charset=utf-8')
    .serializer((text: string) => text)
    .send(answer.body);
}
