import { constants } from 'node:fs';
import { chmod, link, open, symlink, type FileHandle } from 'node:fs/promises';
import { at, O_PATH, openAt, splitPath, withDirectory } from '../../../src/util/safe-path.ts';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Writes below a directory that nobody else writes to. Each component of a path is opened by itself and followed nowhere;
 * the directory that was written to last is held, as the next file is mostly in it too.
 * @throws SafePathError, and what the file system says, also of what is there already
 */
export class VolumeWriter implements AsyncDisposable {
  readonly #root: string;
  #held: { readonly path: string; readonly directory: FileHandle } | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  async makeDirectory(path: string): Promise<void> {
    await withDirectory(this.#root, splitPath(path), path, true, () => Promise.resolve());
  }

  async modeOf(directory: string): Promise<number> {
    return withDirectory(this.#root, splitPath(directory), directory, false, async (found) => {
      const { mode } = await found.stat();
      return mode & 0o7777;
    });
  }

  async setMode(directory: string, mode: number): Promise<void> {
    await withDirectory(this.#root, splitPath(directory), directory, false, (found) =>
      chmod(at(found), mode),
    );
  }

  async writeFile(path: string, mode: number, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const { directory, name } = await this.#parentOf(path);
    await using file = await openAt(directory, name, NEW_FILE, path, 0o600);
    for await (const chunk of bytes) await file.writeFile(chunk);
    // Not as it is made: the process's mask would count, and what cannot be written could not be filled.
    await file.chmod(mode);
  }

  async writeSymlink(path: string, target: string): Promise<void> {
    const { directory, name } = await this.#parentOf(path);
    await symlink(target, `${at(directory)}/${name}`);
  }

  /** One more name for a file that is there. */
  async writeLink(path: string, original: string): Promise<void> {
    const { directory, name } = await this.#parentOf(path);
    const names = splitPath(original);
    const originalName = names.pop();
    await withDirectory(this.#root, names, original, false, (from) =>
      link(`${at(from)}/${originalName}`, `${at(directory)}/${name}`),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held?.directory.close();
    this.#held = undefined;
  }

  async #parentOf(path: string): Promise<{ directory: FileHandle; name: string }> {
    const names = splitPath(path);
    const name = names.pop() ?? '';
    const parent = names.join('/');
    if (this.#held?.path !== parent) {
      await this[Symbol.asyncDispose]();
      const directory = await withDirectory(this.#root, names, path, true, (found) =>
        open(at(found), O_PATH | constants.O_DIRECTORY),
      );
      this.#held = { path: parent, directory };
    }
    return { directory: this.#held.directory, name };
  }
}
