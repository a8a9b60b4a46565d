import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import Docker from 'dockerode';
import type { BenchProgram } from './activities.ts';
import type { BenchContext } from './bench.ts';

const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync);
const APPLETS = ['head', 'sh', 'sleep', 'true'];

export const docker = new Docker();

export async function whyNoDocker(): Promise<string | undefined> {
  if (BUSYBOX === undefined) return 'there is no static busybox (Debian: busybox-static)';
  const answer: unknown = await docker.ping().catch((error: unknown) => error);
  return answer instanceof Error ? 'no container engine answers on its usual socket' : undefined;
}

/** An image with busybox and nothing else, as a package for ours and by its id for bare containers. */
export async function busybox({
  dir,
  defer,
}: BenchContext): Promise<{ program: BenchProgram; image: string }> {
  const tree = join(dir, 'busybox');
  await mkdir(join(tree, 'bin'), { recursive: true });
  await copyFile(BUSYBOX ?? '', join(tree, 'bin', 'busybox'));
  for (const applet of APPLETS) await symlink('busybox', join(tree, 'bin', applet));
  const path = join(dir, 'busybox.tar');
  execFileSync('tar', ['-C', tree, '-cf', path, 'bin']);
  const bytes = await readFile(path);
  const repo = `ergon-bench-${process.pid}`;
  await buffer(await docker.importImage(path, { repo, tag: 'latest' }));
  const image = `${repo}:latest`;
  defer(() => docker.getImage(image).remove({ force: true }));
  const hash = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { image, program: { runtime: 'docker', path, package: { hash, sizeBytes: bytes.length } } };
}

/** A bare container, created and not started. */
export function bareContainer(image: string, ...command: string[]): Promise<Docker.Container> {
  return docker.createContainer({ Image: image, Cmd: command, HostConfig: { NetworkMode: 'none' } });
}

/** One that runs and waits for `go`; its command then begins, and `output` ends with it. */
export async function bareAttach(
  image: string,
  command: string,
): Promise<{ container: Docker.Container; go: () => void; output: AsyncIterable<Uint8Array> }> {
  const container = await docker.createContainer({
    Image: image,
    Cmd: ['sh', '-c', `read go && exec ${command}`],
    OpenStdin: true,
    HostConfig: { NetworkMode: 'none', LogConfig: { Type: 'none', Config: {} } },
  });
  const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true });
  const output = new PassThrough();
  docker.modem.demuxStream(stream, output, output);
  stream.once('end', () => output.end());
  await container.start();
  return { container, go: () => void stream.write('go\n'), output };
}

/** `docker exec`: reads its output to the end, and gives how many bytes there were. */
export async function bareExec(container: Docker.Container, ...command: string[]): Promise<number> {
  const exec = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
  let bytes = 0;
  for await (const chunk of await exec.start({})) bytes += (chunk as Buffer).length;
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== 0) throw new Error(`${command.join(' ')} ended with ${ExitCode}`);
  return bytes;
}
