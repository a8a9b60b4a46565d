// Writes test/fixtures/yagna/contract.json from Yagna's specifications: node scripts/write-yagna-contract.ts <folder>
import { writeFileSync } from 'node:fs';
import { condense } from './yagna-contract.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name the folder of the specifications');
writeFileSync(
  new URL('../test/fixtures/yagna/contract.json', import.meta.url),
  `${JSON.stringify(condense(folder), undefined, 1)}\n`,
);
