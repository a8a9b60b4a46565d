import {
  isErgonError,
  type ActivityNetworks,
  type Logger,
  type PeerStream,
  type Sender,
} from '../../interface/index.ts';
import { parseIpv4 } from '../../util/ipv4.ts';
import { encodeFrame, readHeader } from '../frames.ts';
import { join } from '../join.ts';
import { checkConnectHeader, decodeJson, encodeJson } from '../wire.ts';
import type { Member } from './member.ts';

interface Components {
  readonly members: () => readonly Member[];
  readonly networks: ActivityNetworks;
  readonly logger: Logger;
}

/** A requestor's connection into one of its activities here. */
export async function serveConnection(
  stream: PeerStream,
  sender: Sender,
  { members, networks, logger }: Components,
): Promise<void> {
  const { header, body } = await readHeader(stream.bytes);
  const { networkId, ip, port } = checkConnectHeader(decodeJson(header));
  const answer = (error?: string): Promise<void> =>
    stream.write(encodeFrame(encodeJson(error === undefined ? {} : { error })));
  const address = parseIpv4(ip);
  const member = members().find((each) => each.isIn(networkId, sender.address) && each.table.ip === address);
  if (member === undefined) {
    await answer('EHOSTUNREACH');
    return;
  }
  const { activityId, index } = member.init;
  let socket;
  try {
    socket = await networks.openConnection(activityId, index, ip, port);
  } catch (error) {
    if (!isErgonError(error, 'ERR_EXE_UNIT_CONNECT_FAILED')) throw error;
    logger.debug({ activityId, err: error }, 'no connection into an activity');
    await answer(String(error.detail['error']));
    return;
  }
  await answer();
  await join(stream, body, socket);
}
