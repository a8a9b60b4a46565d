import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import type { SlotAmounts } from '../interface/index.ts';
import { makeDirectory } from '../util/files.ts';

/** Share of the machine that is sold unless the configuration caps it otherwise: the rest keeps the host alive. */
const MEMORY_SHARE = 0.8;
const STORAGE_SHARE = 0.5;

/** Memory that is sold where the configuration sets no cap. */
export const sellableMemoryBytes = (): number => Math.floor(totalmem() * MEMORY_SHARE);

/** What this machine can sell: its hardware, under the configured caps. */
export async function sellableHardware(dataDir: string, caps: Partial<SlotAmounts>): Promise<SlotAmounts> {
  await makeDirectory(dataDir, 0o700);
  const disk = await statfs(dataDir);
  const machine: SlotAmounts = {
    cpuThreads: availableParallelism(),
    memoryBytes: sellableMemoryBytes(),
    storageBytes: Math.floor(disk.bavail * disk.bsize * STORAGE_SHARE),
  };
  return {
    cpuThreads: Math.min(machine.cpuThreads, caps.cpuThreads ?? Infinity),
    memoryBytes: Math.min(machine.memoryBytes, caps.memoryBytes ?? Infinity),
    storageBytes: Math.min(machine.storageBytes, caps.storageBytes ?? Infinity),
  };
}
