import type * as Archive from '../../transfer/archive/index.ts';
import { hasCode } from '../../util/error-code.ts';
import type { CommandFacts } from './command-failure.ts';
import { deployedHandle, type BatchContext } from './context.ts';
import type { DaemonRequests } from './daemon-requests.ts';
import { volumePath } from './guest-path.ts';
import { StorageAllowance } from './storage-allowance.ts';
import {
  copyIn,
  copyOut,
  copyWithin,
  keepOutput,
  sizeOfFiles,
  withScratch,
  writeOut,
  type CopyOptions,
} from './transfer-files.ts';
import {
  expectNoSelection,
  planTransfer,
  unsupported,
  type TransferPlan,
  type TransferRequest,
} from './transfer-plan.ts';

/** Moves files into the activity, out of it, or about in it. */
export async function transfer(
  context: BatchContext,
  request: TransferRequest,
  requests: DaemonRequests,
): Promise<CommandFacts> {
  const plan = planTransfer(request);
  return context.lifecycle.during('transfer', () => new Transfer(context, requests).run(plan));
}

type PlanOf<K extends TransferPlan['kind']> = Extract<TransferPlan, { kind: K }>;

/** Loaded when an archive comes by: most activities never see one. */
const archives = (): Promise<typeof Archive> => import('../../transfer/archive/index.ts');

class Transfer {
  readonly #context: BatchContext;
  readonly #requests: DaemonRequests;
  readonly #root: string;
  readonly #quotaBytes: number;

  constructor(context: BatchContext, requests: DaemonRequests) {
    this.#context = context;
    this.#requests = requests;
    this.#root = context.runtime.volumeRoot(deployedHandle(context));
    this.#quotaBytes = context.spec.resources.storageBytes;
  }

  async run(plan: TransferPlan): Promise<CommandFacts> {
    try {
      return await this.#move(plan);
    } catch (error) {
      // What leaves the volume is written to a disk of the host.
      const isVolumes = plan.kind !== 'out' && hasCode(error, 'ENOSPC', 'EDQUOT');
      throw (isVolumes ? (await this.#allowance()).whyFull() : undefined) ?? error;
    }
  }

  /** From here on all paths are those from the volume's root. */
  async #move(plan: TransferPlan): Promise<CommandFacts> {
    const view = await this.#context.runtime.guestView(deployedHandle(this.#context));
    switch (plan.kind) {
      case 'in':
        return this.#in({ ...plan, to: volumePath(plan.to, view) });
      case 'out':
        return this.#out({ ...plan, from: volumePath(plan.from, view) });
      case 'within':
        return this.#within({ ...plan, from: volumePath(plan.from, view), to: volumePath(plan.to, view) });
    }
  }

  async #in({ from, to, format, selection }: PlanOf<'in'>): Promise<CommandFacts> {
    const isDirectory = to.endsWith('/');
    if (format === 'raw' && isDirectory)
      throw unsupported(`${to} is a directory: name the file to be made in it`);
    const source =
      from.kind === 'blob'
        ? await this.#requests.blob(from.hash)
        : await this.#requests.url(from.url, this.#quotaBytes);
    const isArchive = isDirectory || (format !== undefined && format !== 'raw');
    if (isArchive) {
      await this.#extract(source, { to, format: format === 'raw' ? undefined : format, selection });
    } else {
      expectNoSelection(selection);
      await copyIn(source, this.#root, to, await this.#copying('copying'));
    }
    return {};
  }

  async #out({ from, to, format, selection }: PlanOf<'out'>): Promise<CommandFacts> {
    const { outputs } = this.#context.paths;
    const { expectBeneath } = await archives();
    const kind = await expectBeneath(this.#root, from);
    if (kind === 'directory' && format === 'raw')
      throw unsupported(`${from} is a directory: choose an archive format`);
    const archive =
      format === 'raw' || (format === undefined && kind === 'file') ? undefined : (format ?? 'tar');
    const allowance = new StorageAllowance(this.#quotaBytes, { diskBytes: await sizeOfFiles(outputs) });
    const blob = await withScratch(outputs, async (temporary) => {
      if (archive !== undefined) await this.#pack({ from, format: archive, selection }, temporary, allowance);
      else {
        expectNoSelection(selection);
        await copyOut(this.#root, from, temporary, { ...(await this.#copying('copying')), allowance });
      }
      return keepOutput(temporary, outputs);
    });
    if (to.kind === 'url') await this.#requests.deliver(to.url, blob);
    return { blob };
  }

  async #within({ from, to, format, selection }: PlanOf<'within'>): Promise<CommandFacts> {
    const { ARCHIVE_LIMITS, expectBeneath, copyTree } = await archives();
    const kind = await expectBeneath(this.#root, from);
    const archive = format === 'raw' ? undefined : format;
    if (kind === 'file' && archive === undefined) {
      expectNoSelection(selection);
      const target = to.endsWith('/') ? `${to}${from.split('/').at(-1) ?? ''}` : to;
      await copyWithin(this.#root, from, target, await this.#copying('copying'));
    } else if (archive === undefined) {
      const allowance = await this.#allowance();
      await allowance.fill(ARCHIVE_LIMITS, (limits) =>
        copyTree({ ...this.#tree({ from, selection }, 'copying'), limits, to }),
      );
    } else {
      await withScratch(this.#context.paths.inputs, async (scratch) => {
        // An archive is read twice and must not change in between; a tree may hold the very file that it is packed into.
        const copying = await this.#copying('copying');
        if (kind === 'file') {
          await copyOut(this.#root, from, scratch, copying);
          await this.#extract(scratch, { to, format: archive, selection });
        } else {
          await this.#pack({ from, format: archive, selection }, scratch, copying.allowance);
          await copyIn(scratch, this.#root, to, copying);
        }
      });
    }
    return {};
  }

  async #extract(
    archive: string,
    plan: { to: string; format: Archive.ArchiveFormat | undefined; selection: Archive.Selection },
  ): Promise<void> {
    const { ARCHIVE_LIMITS, extractArchive } = await archives();
    const { stop } = this.#context;
    const allowance = await this.#allowance();
    await allowance.fill(ARCHIVE_LIMITS, (limits) =>
      extractArchive({
        archive,
        ...(plan.format === undefined ? {} : { format: plan.format }),
        root: this.#root,
        path: plan.to,
        selection: plan.selection,
        limits,
        signal: stop.signal,
        onProgress: (done, total) => this.#requests.progress(done, total, 'extracting'),
      }),
    );
  }

  async #pack(
    plan: { from: string; format: Archive.ArchiveFormat; selection: Archive.Selection },
    target: string,
    allowance: StorageAllowance,
  ): Promise<void> {
    const { ARCHIVE_LIMITS, packArchive } = await archives();
    const tree = this.#tree(plan, 'packing');
    // What is in the volume is within the agreed storage, unless it is full of holes.
    await new StorageAllowance(this.#quotaBytes, { diskBytes: 0 }).fill(ARCHIVE_LIMITS, (limits) =>
      writeOut(packArchive({ ...tree, limits, format: plan.format }), target, {
        allowance,
        signal: tree.signal,
      }),
    );
  }

  #tree(
    { from, selection }: { from: string; selection: Archive.Selection },
    message: string,
  ): Omit<Archive.TreeOptions, 'limits'> {
    return {
      root: this.#root,
      path: from,
      selection,
      signal: this.#context.stop.signal,
      onProgress: (done) => this.#requests.progress(done, undefined, message),
    };
  }

  async #copying(message: string): Promise<CopyOptions> {
    return {
      allowance: await this.#allowance(),
      signal: this.#context.stop.signal,
      onProgress: (done, total) => this.#requests.progress(done, total, message),
    };
  }

  /** What is left of the agreed storage. */
  async #allowance(): Promise<StorageAllowance> {
    const { runtime } = this.#context;
    return new StorageAllowance(this.#quotaBytes, await runtime.stats(deployedHandle(this.#context)));
  }
}
