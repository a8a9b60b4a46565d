import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import type { Bucket, Store } from '../../src/interface/store.ts';
import { levelStore, type LevelStore, type LevelStoreInit } from '../../src/store/index.ts';
import { systemClock } from '../../src/util/clock.ts';
import { checker } from '../../src/util/check.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';

export interface Item {
  n: number;
  state: string;
}

export const items: Bucket<Item> = {
  name: 'item',
  check: checker(Type.Object({ n: Type.Integer(), state: Type.String() }), 'item'),
  indexes: { state: (item) => [item.state] },
};

/** A folder of its own for each use, with the store's folder in it. */
export async function temporaryBooks(): Promise<{
  root: string;
  directory: string;
  remove: () => Promise<void>;
}> {
  const root = await mkdtemp(join(tmpdir(), 'ergon-store-'));
  return { root, directory: join(root, 'store'), remove: () => rm(root, { recursive: true, force: true }) };
}

export function storeAt(directory: string, init: Partial<LevelStoreInit> = {}): LevelStore {
  return levelStore({ directory, ...init }, { clock: systemClock(), logger: silentLogger });
}

/** Runs `work` on the books of a folder and closes them. */
export async function withStore<R>(
  directory: string,
  work: (store: LevelStore) => Promise<R>,
  init: Partial<LevelStoreInit> = {},
): Promise<R> {
  const store = storeAt(directory, init);
  await store.start();
  try {
    return await work(store);
  } finally {
    await store.stop();
  }
}

/** One transaction that makes item `n`, tells of it and sends a message. */
export function makeItem(store: Store, n: number, state = 'new', pad = ''): Promise<void> {
  return store.transact(async (tx) => {
    const id = idOf(n);
    const before = await tx.get(items, id);
    tx.put(items, id, { n, state: before === undefined ? state : `${before.state}+` });
    tx.emit({ type: 'item.made', subject: id, data: { n, pad } });
    tx.send({ id, peerId: `peer-${n % 3}`, protocol: '/x/1', kind: 'k', body: n, expiresAt: 1e15 });
  });
}

export function idOf(n: number): string {
  return String(n).padStart(8, '0');
}

/** All that the store's readers can see, as one string. */
export async function contentsOf(store: Store): Promise<string> {
  const peers = await store.outbox.peers();
  return JSON.stringify({
    items: await store.list(items),
    fresh: (await store.list(items, { where: { index: 'state', equals: 'new' } })).map(({ id }) => id),
    events: await store.events.query({}),
    last: store.events.last(),
    outbox: await Promise.all(peers.map((peer) => store.outbox.next(peer))),
  });
}

/** Copies folder and sentinel. */
export async function copyBooks(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
  await cp(`${from}.sentinel`, `${to}.sentinel`);
}
