import { readFileSync } from 'node:fs';

/** Resident memory of a process that it shares with no other, and its part of what it shares. */
export function memoryOf(pid: number): number {
  const kib = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error(`process ${pid} says nothing of its memory`);
  return Number(kib) * 1024;
}
