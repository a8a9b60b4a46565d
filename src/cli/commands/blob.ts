import type { Command } from 'commander';
import type { Static } from 'typebox';
import type { Commands } from '../command.ts';
import { bytes } from '../format.ts';
import { limitOption, type ListFlags } from '../list-flags.ts';
import { BlobView, RemovedView } from '../views.ts';

export function blobCommands(group: Command, commands: Commands): void {
  commands.add<ListFlags>(
    group,
    {
      usage: 'list',
      summary: 'files of this node by hash: packages, inputs and outputs',
      examples: [['blob list --limit 10000 --json', 'all of them, for programs']],
    },
    limitOption,
    async (session, _args, { limit }) => {
      const blobs = await (await session.client()).list('/v1/blobs', BlobView, {}, limit);
      const columns = [
        { title: 'HASH', value: (blob: Static<typeof BlobView>) => blob.hash, whole: true },
        { title: 'SIZE', value: (blob: Static<typeof BlobView>) => bytes(blob.sizeBytes) },
      ];
      await session.printList(blobs, columns, 'No files.');
      return undefined;
    },
  );
  commands.add(
    group,
    {
      usage: 'remove <hash>',
      summary: 'remove a file that nothing needs and that is part of no package and no task',
      examples: [['blob remove sha256:…', 'an input that was uploaded and never used']],
    },
    () => undefined,
    async (session, [hash = '']) => {
      const client = await session.client();
      const done = await client.delete(`/v1/blobs/${encodeURIComponent(hash)}`, RemovedView);
      await session.print(done, () =>
        done.removed
          ? `${hash} is removed: ${bytes(done.freedBytes)} freed`
          : `There is no file ${hash}; nothing was removed`,
      );
      return undefined;
    },
  );
}
