import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { tarOf, type TarFile } from '../../support/tar.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A file of the test's, with these bytes. */
export function fileOf(bytes: Uint8Array): string {
  const directory = mkdtempSync(join(tmpdir(), 'ergon-image-'));
  directories.push(directory);
  const file = join(directory, 'package');
  writeFileSync(file, bytes);
  return file;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface SavedImage {
  readonly layers?: readonly Uint8Array[];
  readonly config?: Record<string, unknown>;
  readonly manifest?: unknown;
  readonly more?: readonly TarFile[];
}

/** An archive as `docker save` writes it, or nearly. */
export function savedImage({
  layers = [tarOf([])],
  config = {},
  manifest,
  more = [],
}: SavedImage = {}): Buffer {
  const configBytes = Buffer.from(
    JSON.stringify({
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
      ...config,
    }),
  );
  return tarOf([
    { name: 'config.json', body: configBytes },
    ...layers.map((body, index) => ({ name: `${index}/layer.tar`, body })),
    ...more,
    {
      name: 'manifest.json',
      body: Buffer.from(
        JSON.stringify(
          manifest ?? [
            {
              Config: 'config.json',
              RepoTags: ['victim:latest'],
              Layers: layers.map((_, index) => `${index}/layer.tar`),
            },
          ],
        ),
      ),
    },
  ]);
}
