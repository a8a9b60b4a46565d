// The floor of a negotiation: a bare libp2p node that answers each message with as many bytes as its head asks for.
import { lpStream } from '@libp2p/utils';
import { ready } from '../support/child.ts';
import { ECHO_PROTOCOL, rawLibp2p } from '../support/raw-libp2p.ts';

const node = await rawLibp2p(['/ip4/127.0.0.1/tcp/0']);
await node.handle(ECHO_PROTOCOL, async (stream) => {
  const messages = lpStream(stream);
  try {
    for (;;) {
      const message = await messages.read();
      await messages.write(new Uint8Array(message.getUint32(0)));
    }
  } catch {
    // The other side has gone.
  }
});
ready({ multiaddr: node.getMultiaddrs()[0]?.toString() });
