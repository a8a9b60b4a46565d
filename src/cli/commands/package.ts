import type { Command } from 'commander';
import { Type, type Static } from 'typebox';
import { Timestamp } from '../../interface/index.ts';
import type { Commands } from '../command.ts';
import { bytes, freed, time } from '../format.ts';
import { limitOption, type ListFlags } from '../list-flags.ts';
import { addPackage } from '../upload.ts';
import { parseImage } from '../parse.ts';
import { BlobView, RemovedView } from '../views.ts';

const PackageLine = Type.Object({
  ...BlobView.properties,
  name: Type.Optional(Type.String()),
  uploadedAt: Timestamp,
  openTasks: Type.Integer({ minimum: 0 }),
});
type PackageLine = Static<typeof PackageLine>;

export function packageCommands(group: Command, commands: Commands): void {
  commands.add<{ image?: string; name?: string }>(
    group,
    {
      usage: 'add [file]',
      summary: 'upload a task package to the own node; prints its hash',
      examples: [
        ['package add hello.wasm', 'a WASI module'],
        ['package add image.tar.gz', 'a container image, as docker save or docker export wrote it'],
        ['package add image.tar --name golem/alpine:latest', 'as the image of that tag, for Golem programs'],
        ['package add --image alpine@sha256:…', 'a container image that providers have, or pull'],
      ],
    },
    (command) =>
      command
        .option(
          '--image <name>',
          'a container image instead of a file: name@sha256:…, or one that is here',
          parseImage,
        )
        .option('--name <name>', 'what Golem programs call it by their imageTag (default: the file’s name)'),
    async (session, [file], { image, name }) => {
      const added = await addPackage(session, file, image, name);
      await session.print(added, () => added.hash);
      return undefined;
    },
  );
  commands.add<ListFlags>(
    group,
    {
      usage: 'list',
      summary: 'packages of this node',
      examples: [['package list', 'with the hashes to submit tasks by, and how many tasks need each']],
    },
    limitOption,
    async (session, _args, { limit }) => {
      const packages = await (await session.client()).list('/v1/packages', PackageLine, {}, limit);
      const columns = [
        { title: 'HASH', value: (line: PackageLine) => line.hash, whole: true },
        { title: 'SIZE', value: (line: PackageLine) => bytes(line.sizeBytes) },
        { title: 'NAME', value: (line: PackageLine) => line.name ?? '-' },
        { title: 'OPEN TASKS', value: (line: PackageLine) => String(line.openTasks) },
        { title: 'UPLOADED', value: (line: PackageLine) => time(line.uploadedAt) },
      ];
      await session.printList(packages, columns, 'No packages. Add one with `ergon package add FILE`.');
      return undefined;
    },
  );
  commands.add(
    group,
    {
      usage: 'remove <hash>',
      summary: 'remove a package that nothing needs which is not over',
      examples: [['package remove sha256:…', 'a hash of package list']],
    },
    () => undefined,
    async (session, [hash = '']) => {
      const client = await session.client();
      const done = await client.delete(`/v1/packages/${encodeURIComponent(hash)}`, RemovedView);
      await session.print(done, () =>
        done.removed
          ? `${hash} is removed: ${freed(done)}`
          : `There is no package ${hash}; nothing was removed`,
      );
      return undefined;
    },
  );
}
