import type { Migration } from '../store/index.ts';
import { reindexTasks } from '../task/index.ts';

/** What brings the books of earlier releases into the form of this one. */
export const MIGRATIONS: readonly Migration[] = [
  { version: 1, description: 'tasks are found by the blobs that they name', run: reindexTasks },
];
