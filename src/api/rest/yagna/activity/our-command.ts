import type {
  Capture,
  DeployNetwork,
  ExeCommand,
  ProgressRequest,
  TransferFileSet,
} from '../../../../interface/index.ts';
import { without } from '../../../../util/without.ts';
import { invalid } from '../errors.ts';
import type {
  CaptureMode,
  ClientCommand,
  ClientFileSet,
  ClientNetwork,
  ClientProgress,
  ClientVolumes,
} from './script-schema.ts';

type Body<Name extends ClientCommand['name']> = Extract<ClientCommand, { name: Name }>['body'];
type OurTransfer = Extract<ExeCommand, { transfer: unknown }>['transfer'];

const DEFAULT_MASK = '255.255.255.0';

/** Yagna's names of the archives that are known here. */
const FORMATS: Readonly<Record<string, OurTransfer['format']>> = {
  raw: 'raw',
  tar: 'tar',
  'tar.gz': 'tar.gz',
  tgz: 'tar.gz',
  zip: 'zip',
  'zip.0': 'zip',
};

/** A command in ours; `blob` is what the file that it brings has become. @throws YagnaError ERR_YAGNA_INVALID */
export function ourCommand(command: ClientCommand, blob: string | undefined): ExeCommand {
  switch (command.name) {
    case 'deploy': {
      const { env, progress, hosts, net, volumes } = command.body;
      const networks = isGiven(net) && net.length > 0 ? net.map(ourNetwork) : undefined;
      return {
        deploy: given({
          env,
          hosts,
          net: networks,
          progress: ourProgress(progress),
          volumes: ourVolumes(volumes),
        }),
      };
    }
    case 'start':
      return { start: given({ args: command.body.args }) };
    case 'run':
      return { run: ourRun(command.body) };
    case 'transfer':
      return { transfer: ourTransfer(command.body, blob) };
    case 'sign':
      return { sign: {} };
    case 'terminate':
      return { terminate: {} };
  }
}

/** Outside of the activity and of both nodes: this node brings it or delivers it, or says that it cannot. */
export function isOutside(url: string): boolean {
  return !/^(container|blob|hash):/.test(url);
}

/** Clients may leave out the mask: then it is the usual one. */
function ourNetwork({ mask, gateway, ...network }: ClientNetwork): DeployNetwork {
  return { ...network, mask: mask ?? DEFAULT_MASK, ...given({ gateway }) };
}

function ourVolumes(volumes: ClientVolumes | null | undefined): string[] | undefined {
  if (!isGiven(volumes)) return undefined;
  const paths = Array.isArray(volumes) ? volumes : Object.keys(volumes);
  for (const path of paths)
    if (!path.startsWith('/') || path.includes('\0'))
      throw invalid(`A volume needs an absolute path, not "${path}"`);
  return paths.length > 0 ? paths : undefined;
}

function ourRun({
  entry_point,
  args,
  env,
  capture,
}: Body<'run'>): Extract<ExeCommand, { run: unknown }>['run'] {
  const captures = given({ stdout: ourCapture(capture?.stdout), stderr: ourCapture(capture?.stderr) });
  const wants = Object.keys(captures).length > 0;
  return { entry_point, ...given({ args, env, capture: wants ? captures : undefined }) };
}

function ourTransfer(body: Body<'transfer'>, blob: string | undefined): OurTransfer {
  const { depth, fileset, progress } = body;
  const from = blob === undefined ? body.from : `blob:${blob}`;
  const to = isOutside(body.to) ? 'blob:' : body.to;
  const sets = isGiven(fileset) ? [fileset].flat().map(ourFileSet) : undefined;
  const options = { format: ourFormat(body.format), depth, fileset: sets, progress: ourProgress(progress) };
  return { from, to, ...given(options) };
}

function ourFormat(format: string | null | undefined): OurTransfer['format'] {
  if (!isGiven(format)) return undefined;
  const ours = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  if (ours === undefined)
    throw invalid(`Archives are ${Object.keys(FORMATS).join(', ')}; there is no ${format} here`);
  return ours;
}

function ourFileSet(set: ClientFileSet): TransferFileSet {
  if (typeof set === 'string') return set;
  const { desc, includes, excludes } = set;
  return given({ desc, includes, excludes });
}

/** How a client wants an output, in ours; undefined where it wants none. */
export function ourCapture(mode: CaptureMode | null | undefined): Capture | undefined {
  const format = (name: string | undefined): { format?: 'string' | 'binary' } =>
    name === undefined ? {} : { format: name.startsWith('bin') ? 'binary' : 'string' };
  if (mode?.stream !== undefined) {
    const { limit } = mode.stream;
    return { stream: { ...given({ limit }), ...format(mode.stream.format) } };
  }
  if (mode?.atEnd === undefined) return undefined;
  const { part, ...flat } = mode.atEnd;
  const { head, tail, headTail } = given({ ...without(flat, 'format'), ...part });
  const as = format(flat.format);
  if (isGiven(head)) return { atEnd: { head, ...as } };
  if (isGiven(tail)) return { atEnd: { tail, ...as } };
  return { atEnd: isGiven(headTail) ? { headTail, ...as } : as };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  sec: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};
const MAX_INTERVAL_MS = 3_600_000;

function ourProgress(progress: ClientProgress | null | undefined): ProgressRequest | undefined {
  if (!isGiven(progress)) return undefined;
  const interval = progress.updateInterval ?? progress['update-interval'];
  if (!isGiven(interval)) return {};
  return { updateIntervalMs: Math.min(MAX_INTERVAL_MS, Math.max(1, durationMs(interval))) };
}

/** `1m 30s`, as https://docs.rs/humantime writes it; no longer than an hour is of use here. */
function durationMs(text: string): number {
  const parts = [...text.matchAll(/(\d{1,9})\s*([a-z]+)/g)];
  const rest = text.replace(/(\d{1,9})\s*([a-z]+)/g, '').trim();
  const known = parts.every(([, , unit = '']) => Object.hasOwn(UNIT_MS, unit));
  if (parts.length === 0 || rest !== '' || !known)
    throw invalid(`"${text}" is no interval like 300ms or 1m 30s`);
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNIT_MS[unit] ?? 0), 0);
}

function isGiven<T>(value: T | null | undefined): value is NonNullable<T> {
  return value !== null && value !== undefined;
}

type Present<T> = { [Key in keyof T]?: Exclude<T[Key], null | undefined> };

/** Without the members that are null or undefined. */
function given<T extends object>(members: T): Present<T> {
  const entries = Object.entries(members).filter(([, value]) => isGiven(value));
  // What is left of it has the types that it had.
  return Object.fromEntries(entries) as Present<T>;
}
