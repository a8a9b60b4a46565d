import { open } from 'node:fs/promises';
import { Type, type Static } from 'typebox';
import { problems, problemText } from '../../../src/util/check.ts';
import { RuntimeError } from '../../errors.ts';

const MAX_REFERENCE_BYTES = 4096;
const DEFAULT_REGISTRY = 'docker.io';

export const PINNED_IMAGE = '^[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[0-9a-f]{64}$';

/** A package that names an image instead of bringing it: `{"image":"registry/name@sha256:…"}`. */
const Reference = Type.Object(
  {
    image: Type.String({
      maxLength: 1024,
      // A tag may stand beside the digest and means nothing.
      pattern: PINNED_IMAGE,
    }),
  },
  { additionalProperties: false },
);

/** An image of a registry, by its digest. */
export interface ImageReference {
  /** As the engine takes it. */
  readonly reference: string;
  readonly digest: string;
  readonly registry: string;
}

/** Undefined when the package is no such file. @throws RuntimeError ERR_RUNTIME_PACKAGE when it wants to be one */
export async function readReference(file: string): Promise<ImageReference | undefined> {
  const text = await readShort(file);
  if (text?.trimStart().startsWith('{') !== true) return undefined;
  const { image } = checked(text);
  const digest = image.slice(image.indexOf('@') + 1);
  const name = image.slice(0, image.indexOf('@'));
  return { reference: `${withoutTag(name)}@${digest}`, digest, registry: registryOf(name) };
}

async function readShort(file: string): Promise<string | undefined> {
  await using handle = await open(file, 'r');
  const { size } = await handle.stat();
  return size > MAX_REFERENCE_BYTES ? undefined : await handle.readFile('utf8');
}

function checked(text: string): Static<typeof Reference> {
  const value = parse(text);
  const wrong = problems(Reference, value);
  if (wrong.length === 0) return value as Static<typeof Reference>;
  throw new RuntimeError(
    'ERR_RUNTIME_PACKAGE',
    `The package names no image that is pinned by its digest: ${wrong.map(problemText).join('; ')}`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withoutTag(name: string): string {
  return name.replace(/:[^:/]*$/, '');
}

/** As the engine reads it: the first component is a host only when it looks like one. */
function registryOf(name: string): string {
  const [first = '', ...rest] = name.split('/');
  const isHost = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  return isHost ? first : DEFAULT_REGISTRY;
}
