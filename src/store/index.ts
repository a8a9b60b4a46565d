export { StoreError, storeErrors, type StoreErrorCode } from './errors.ts';
export { memoryStore } from './memory-store.ts';
