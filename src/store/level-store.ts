import type { Store } from '../interface/store.ts';
import { backupKv, type BackupSource } from './backup.ts';
import { Books } from './books.ts';
import { LevelShelf, type LevelShelfComponents, type LevelShelfInit } from './level/shelf.ts';

export type LevelStoreInit = LevelShelfInit;
export type LevelStoreComponents = LevelShelfComponents;
export interface LevelStore extends Store, BackupSource {
  /** Gives the room on disk back that deleted entries still take. */
  compact(): Promise<void>;
}

/** Books on disk. `start` refuses damaged, missing, stale or foreign ones with a StoreError that says what to do. */
export function levelStore(init: LevelStoreInit, components: LevelStoreComponents): LevelStore {
  const shelf = new LevelShelf(init, components);
  const books = new Books({ shelf, ...components });
  return Object.assign(books, {
    backup: async (target: string) => backupKv(shelf.kv, target),
    compact: async () => shelf.kv.compact(),
  });
}
