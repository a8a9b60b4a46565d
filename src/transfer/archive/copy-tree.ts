import { createFileBeneath } from '../../util/safe-path.ts';
import { makeDirectoryBeneath, namesBeneath } from '../../util/safe-tree.ts';
import { ArchiveError } from './errors.ts';
import { treeNodes, type TreeOptions } from './pack.ts';

/** The chosen files of one directory into another below the same root. @throws ArchiveError, SafePathError */
export async function copyTree(options: TreeOptions & { readonly to: string }): Promise<void> {
  const { root, to } = options;
  expectOutside(options.path, to);
  await makeDirectoryBeneath(root, to);
  for await (const node of treeNodes(options)) {
    const target = `${to}/${node.names.join('/')}`;
    if (node.kind === 'directory') {
      await makeDirectoryBeneath(root, target);
      continue;
    }
    await using file = await createFileBeneath(root, target, node.executable ? 0o755 : 0o644);
    for await (const chunk of node.bytes) await file.writeFile(chunk);
  }
}

/** A tree copied into itself would have no end. */
function expectOutside(from: string, to: string): void {
  const target = namesBeneath(to);
  if (!namesBeneath(from).every((name, index) => target[index] === name)) return;
  throw new ArchiveError('ERR_ARCHIVE_PATH', `${to.slice(0, 200)} lies within what is to be copied there`, {
    path: to.slice(0, 200),
  });
}
