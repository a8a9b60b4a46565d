export {
  backupStore,
  restoreStore,
  type BackupSource,
  type BackupSummary,
  type RestoreOptions,
  type RestoreSummary,
} from './backup.ts';
export { checkStore, type StoreReport } from './check-store.ts';
export { begunPathOf } from './level/begun.ts';
export { StoreError, storeErrors, type StoreErrorCode } from './errors.ts';
export {
  levelStore,
  type LevelStore,
  type LevelStoreComponents,
  type LevelStoreInit,
} from './level-store.ts';
export { memoryStore } from './memory-store.ts';
export type { Migration } from './migrations.ts';
