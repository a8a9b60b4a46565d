import type { Store } from '../interface/store.ts';
import { backupKv, type BackupSource } from './backup.ts';
import { Books } from './books.ts';
import { LevelBackend, type LevelBackendComponents, type LevelBackendInit } from './level/backend.ts';

export type LevelStoreInit = LevelBackendInit;
export type LevelStoreComponents = LevelBackendComponents;
export interface LevelStore extends Store, BackupSource {
  /** Gives the room on disk back that deleted entries still take. */
  compact(): Promise<void>;
}

/** Books on disk. `start` refuses damaged, missing, stale or foreign ones with a StoreError that says what to do. */
export function levelStore(init: LevelStoreInit, components: LevelStoreComponents): LevelStore {
  const backend = new LevelBackend(init, components);
  const books = new Books({ backend, ...components });
  return Object.assign(books, {
    backup: async (target: string) => backupKv(backend.kv, target),
    compact: async () => backend.kv.compact(),
  });
}
