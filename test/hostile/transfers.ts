import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect } from 'vitest';
import type { CommandResult, ExeCommand } from '../../src/interface/exe-script.ts';
import { tarOf } from '../support/archives.ts';
import { HOSTILE_ARCHIVES } from '../support/hostile-archives.ts';
import { hashOf, type HostileWorld } from './world.ts';

const SECRET = Buffer.from('what nobody may read\n');
const HARMLESS = Buffer.from('harmless\n');
const PLANTED = Buffer.from('what nobody may write\n');
/** What is to be put where links lead to. */
const PLANT = tarOf([{ name: 'planted', content: PLANTED }]);
const ROUNDS = 40;

const harm = (...args: string[]): ExeCommand => ({ run: { entry_point: '/hostile', args } });
const out = (path: string): ExeCommand => ({ transfer: { from: `container:${path}`, to: 'blob:' } });
const outTree = (path: string): ExeCommand => ({
  transfer: {
    from: `container:${path}`,
    to: 'blob:',
    fileset: [{ pattern: '**/*', excludes: ['**/evil'] }],
  },
});
const into = (path: string): ExeCommand => ({
  transfer: { from: `blob:${hashOf(PLANTED)}`, to: `container:${path}` },
});

const unpack = (archive: Uint8Array, path: string): ExeCommand => ({
  transfer: { from: `blob:${hashOf(archive)}`, to: `container:${path}` },
});

/** How the programs name what lies in the root of the volume. */
const inVolume = ({ runtime }: HostileWorld, path: string): string =>
  runtime === 'docker' ? `/volume${path}` : path;

/** A directory beside the volume, which links lead to; nothing in it may be read or changed. */
async function withOutside(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ergon-outside-'));
  try {
    writeFileSync(join(directory, 'secret'), SECRET);
    await work(directory);
    expect(readdirSync(directory)).toEqual(['secret']);
    expect(readFileSync(join(directory, 'secret'))).toEqual(SECRET);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Archives with bombs, slips, links and lies in them: each is refused by its name, and nothing of it is written. */
export async function expectArchivesRefused(world: HostileWorld): Promise<void> {
  const archives = Object.entries(HOSTILE_ARCHIVES)
    .filter(([, { limits }]) => limits === undefined)
    // What does not fit into the agreed storage is over a limit, in a transfer.
    .map(([name, { archive, code }]) => ({
      name,
      code: code === 'ERR_ARCHIVE_TOO_LARGE' ? 'LimitExceeded' : code,
      bytes: archive(),
    }));
  await world.withActivity(
    archives.map(({ bytes }) => bytes),
    async (exec) => {
      const target = inVolume(world, '/target/');
      for (const { name, code, bytes } of archives) {
        expect(await exec([unpack(bytes, target)]), name).toMatchObject([
          { result: 'Error', reason: { code } },
        ]);
      }
      expect(await exec([out(target)])).toMatchObject([{ reason: { code: 'ERR_PATH_NOT_FOUND' } }]);
    },
  );
}

/** Links that a program left, in the way of transfers. */
export async function expectLinksRefused(world: HostileWorld): Promise<void> {
  await withOutside(async (outside) => {
    const at = (path: string): string => inVolume(world, path);
    await world.withActivity([PLANTED, PLANT], async (exec) => {
      // A WASI guest can make no links to absolute paths.
      const target = relative(join(world.dataDir, 'activities', 'activity', 'volumes'), outside);
      expect(await exec([harm('plant-links', target)])).toMatchObject([{ result: 'Ok' }]);
      const links = ['/file-link', '/dir-link/secret', '/journal-link', '/dir/journal-link'];
      const up = ['/../journal.ndjson', '/dir/../../journal.ndjson', '/pipe', '/dir', '/'];
      for (const path of [...links, ...up]) expectRefused(path, await exec([out(at(path))]));
      for (const path of ['/dir-link/planted', '/dir-link/secret', '/../planted', '/dir/../../planted']) {
        expectRefused(path, await exec([into(at(path))]));
      }
      for (const path of ['/dir-link/', '/dir-link/below/', '/../']) {
        expectRefused(path, await exec([unpack(PLANT, at(path))]));
      }
      // What is in the way may as well be replaced, but not followed.
      for (const path of ['/file-link', '/new-link', '/journal-link']) await exec([into(at(path))]);
      if (world.runtime !== 'docker') return;
      // A volume by its own path, of which the program has made a link by its other one.
      for (const command of [out('/tmp/secret'), into('/tmp/planted'), unpack(PLANT, '/tmp/')])
        expectRefused('/tmp', await exec([command]));
    });
  });
}

/** Links that come and go while transfers read and write there. */
export async function expectRaceLost(world: HostileWorld): Promise<void> {
  await withOutside(async (outside) => {
    const at = (path: string): string => inVolume(world, path);
    await world.withActivity([PLANTED, PLANT], async (exec, outputOf) => {
      expect(await exec([harm('swap-race', outside)])).toMatchObject([{ result: 'Ok' }]);
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const path of ['/race/bait', '/dir/secret']) {
          const [read] = await exec([out(at(path))]);
          if (read?.blob !== undefined) expect(HARMLESS_HASHES).toContain(read.blob.hash);
        }
        await exec([into(at(round % 2 === 0 ? '/dir/planted' : '/race/bait'))]);
        // Whole trees, the links left out so that what is no link is packed.
        const [tree] = await exec([outTree(at(round % 2 === 0 ? '/race' : '/dir'))]);
        if (tree?.blob !== undefined) expect(outputOf(tree.blob.hash).includes(SECRET)).toBe(false);
        await exec([unpack(PLANT, at(round % 2 === 0 ? '/dir/' : '/race/'))]);
      }
    });
  });
}

const HARMLESS_HASHES = [hashOf(HARMLESS), hashOf(PLANTED), hashOf(new Uint8Array())];

function expectRefused(path: string, results: readonly CommandResult[]): void {
  expect(results, path).toMatchObject([{ result: 'Error', reason: { code: expect.any(String) } }]);
}
