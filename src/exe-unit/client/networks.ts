import { constants } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { Type } from 'typebox';
import { DeployNetwork, MAX_ACTIVITY_NETWORKS } from '../../interface/vpn.ts';
import { checker } from '../../util/check.ts';
import { readIfThere } from '../../util/files.ts';
import { parseIpv4 } from '../../util/ipv4.ts';
import { ExeUnitError } from '../errors.ts';
import { workPaths } from '../paths.ts';
import { connectIn } from '../socket/directory-socket.ts';

const checkList = checker(Type.Array(DeployNetwork, { maxItems: MAX_ACTIVITY_NETWORKS }), 'networks.json');

/** What a connection is for: eight bytes (runtimes/docker/tunnel/tunnel.c). */
const HEADER_BYTES = 8;
const PACKETS = 'P'.charCodeAt(0);
const CONNECT = 'C'.charCodeAt(0);
const ANSWER_BYTES = 4;
const ANSWER_TIMEOUT_MS = 40_000;

/** The networks that the activity in this work directory was deployed with. */
export async function networksIn(directory: string): Promise<DeployNetwork[]> {
  const text = await readIfThere(workPaths(directory).networkList);
  return text === undefined ? [] : checkList(JSON.parse(text));
}

/** A connection to the supervisor that carries the packets of the activity's network with this index. */
export async function openPackets(directory: string, index: number): Promise<Socket> {
  const socket = await connect(directory, index, false);
  socket.write(header(PACKETS));
  return socket;
}

/** @throws ExeUnitError ERR_EXE_UNIT_CONNECT_FAILED */
export async function openConnection(
  directory: string,
  index: number,
  { ip, port }: { ip: string; port: number },
): Promise<Socket> {
  const target = `${ip}:${port}`;
  const socket = await connect(directory, index, true).catch((cause: unknown) => {
    throw failed(target, 'ENETDOWN', cause);
  });
  socket.write(header(CONNECT, port, parseIpv4(ip)));
  try {
    const error = await answer(socket);
    if (error === 0) return socket;
    throw failed(target, nameOf(error));
  } catch (error) {
    socket.destroy();
    throw error instanceof ExeUnitError ? error : failed(target, 'ENETDOWN', error);
  }
}

async function connect(directory: string, index: number, allowHalfOpen: boolean): Promise<Socket> {
  const socket = await connectIn(join(workPaths(directory).networks, String(index)), { allowHalfOpen });
  socket.on('error', () => socket.destroy());
  return socket;
}

function header(kind: number, port = 0, address = 0): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt8(kind);
  bytes.writeUInt16BE(port, 2);
  bytes.writeUInt32BE(address, 4);
  return bytes;
}

/** The number that says whether it is connected; whatever came behind it stays to be read. */
async function answer(socket: Socket): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const look = (): void => {
    const bytes: unknown = socket.read(ANSWER_BYTES);
    if (Buffer.isBuffer(bytes) && bytes.length === ANSWER_BYTES) resolve(bytes.readUInt32LE());
  };
  const gone = (): void => reject(new Error('the network of the activity is gone'));
  socket.on('readable', look).once('end', gone).once('close', gone);
  socket.setTimeout(ANSWER_TIMEOUT_MS, gone);
  try {
    return await promise;
  } finally {
    socket.off('readable', look).off('end', gone).off('close', gone);
    socket.setTimeout(0);
  }
}

function nameOf(errno: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? String(errno);
}

function failed(target: string, error: string, cause?: unknown): ExeUnitError {
  return new ExeUnitError(
    'ERR_EXE_UNIT_CONNECT_FAILED',
    `No connection to ${target} in the activity: ${error}`,
    { error },
    { cause },
  );
}
