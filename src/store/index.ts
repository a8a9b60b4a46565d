export { StoreError, storeErrors, type StoreErrorCode } from './errors.ts';
export { levelStore, type LevelStoreComponents, type LevelStoreInit } from './level-store.ts';
export { memoryStore } from './memory-store.ts';
export type { Migration } from './migrations.ts';
