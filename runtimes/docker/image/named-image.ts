import type { NamedPackage } from '../../../src/interface/exe-unit-runtime.ts';
import { isErgonError } from '../../../src/interface/errors.ts';
import type { Engine } from '../engine/engine.ts';

/** As people name images: lower case, with or without a registry, a tag or a digest. */
export const IMAGE_NAME =
  /^(?:[a-z0-9][a-zA-Z0-9._:/-]{0,511}(?:@sha256:[0-9a-f]{64})?|sha256:[0-9a-f]{64})$/;

/** An image of this machine's engine by its name; undefined as well when there is no engine. */
export async function namedImage(
  engine: Pick<Engine, 'inspectImage' | 'saveImage'>,
  name: string,
): Promise<NamedPackage | undefined> {
  if (!IMAGE_NAME.test(name)) return undefined;
  const image = await engine.inspectImage(name, { patience: false }).catch((error: unknown) => {
    if (isErgonError(error, 'ERR_RUNTIME_ENGINE_UNREACHABLE')) return undefined;
    throw error;
  });
  if (image === undefined) return undefined;
  const reference = image.RepoDigests?.[0];
  return {
    id: image.Id,
    ...(reference !== undefined && { reference }),
    open: () => engine.saveImage(image.Id),
  };
}
