import type { DeploySpec } from '../../../src/interface/exe-unit-runtime.ts';
import { contentsName } from '../container-name.ts';
import { contentsSpec, type ContainerImage, type LocalMount } from '../container-spec.ts';
import type { ImageStore } from '../image/image-store.ts';
import { userOf, type DockerSettings } from '../options.ts';
import { emptyDirectory, makeVolumeDirectories } from '../volume/owned-directories.ts';
import { workDirOf } from '../work-dir.ts';
import { copyContents, type ContentsComponents } from './copy-contents.ts';

export interface FillInit {
  readonly spec: DeploySpec;
  readonly image: ContainerImage;
  readonly settings: DockerSettings;
  /** What is mounted in its place is the owner's own. */
  readonly local: readonly LocalMount[];
}
export interface FillComponents extends ContentsComponents {
  readonly images: ImageStore;
}

/**
 * A new volume as programs will find it: its directories, and in them what the image has there. What an earlier attempt
 * has left goes first, so that each gives the same.
 */
export async function fillVolume(
  { spec, image, settings, local }: FillInit,
  components: FillComponents,
): Promise<void> {
  const { images } = components;
  const { volumes, ownVolumes } = image;
  const root = workDirOf(spec.workDir).volumes;
  await emptyDirectory(root);
  await makeVolumeDirectories(root, volumes, userOf(settings));
  const isKnown = images.isEmptyAt(image.names, ownVolumes);
  const directories = volumes.filter(
    (volume) =>
      !(isKnown && ownVolumes.includes(volume)) && !local.some(({ guestPath }) => guestPath === volume),
  );
  if (directories.length === 0) return;
  const init = {
    name: contentsName(spec),
    request: contentsSpec(spec, image, settings),
    provideImage: () => images.provide(spec.packagePath),
    root,
    mounted: volumes,
    directories,
    storageBytes: spec.resources.storageBytes,
  };
  const isThere = await copyContents(init, components);
  // Of a directory within another one, and of one that was not looked into, it says too little.
  if (!isThere && directories.length === ownVolumes.length && volumes.length === ownVolumes.length)
    await images.noteEmptyAt(image, ownVolumes);
}
