import type { Store } from '../interface/store.ts';
import { Books } from './books.ts';
import { LevelShelf, type LevelShelfComponents, type LevelShelfInit } from './level/shelf.ts';

export type LevelStoreInit = LevelShelfInit;
export type LevelStoreComponents = LevelShelfComponents;

/** Books on disk. `start` refuses damaged, missing, stale or foreign ones with a StoreError that says what to do. */
export function levelStore(init: LevelStoreInit, components: LevelStoreComponents): Store {
  return new Books({ shelf: new LevelShelf(init, components), ...components });
}
