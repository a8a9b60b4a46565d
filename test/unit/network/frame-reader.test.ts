import type { Logger } from '@libp2p/interface';
import { AbstractStream, type SendResult } from '@libp2p/utils';
import { expect, test } from 'vitest';
import { FrameReader } from '../../../src/network/libp2p/frame-reader.ts';

const quiet = (): void => undefined;
const log: Logger = Object.assign(quiet, { trace: quiet, error: quiet, enabled: false, newScope: () => log });

/** A stream of a muxer that has one window for its peer, as Yamux has. */
class WindowedStream extends AbstractStream {
  windowIsOpen = true;

  constructor() {
    super({ id: '1', direction: 'inbound', log });
  }
  arrive(bytes: number): void {
    this.onData(new Uint8Array(bytes));
  }
  sendData({ byteLength }: { byteLength: number }): SendResult {
    return { sentBytes: byteLength, canSendMore: true };
  }
  sendReset(): void {}
  async sendCloseWrite(): Promise<void> {}
  async sendCloseRead(): Promise<void> {}
  override sendPause(): void {
    this.windowIsOpen = false;
  }
  override sendResume(): void {
    this.windowIsOpen = true;
  }
}

test('a peer is held back for as long as nobody reads, also by what has come during a pause', async () => {
  const stream = new WindowedStream();
  const reader = new FrameReader(stream, 1000);
  stream.arrive(100_000);
  expect([stream.readStatus, stream.windowIsOpen]).toEqual(['paused', false]);
  stream.arrive(200_000);
  expect((await reader.chunk())?.byteLength).toBe(100_000);
  expect((await reader.chunk())?.byteLength).toBe(200_000);
  expect([stream.readStatus, stream.windowIsOpen]).toEqual(['paused', false]);
  const next = reader.chunk();
  expect([stream.readStatus, stream.windowIsOpen]).toEqual(['readable', true]);
  stream.arrive(1);
  expect((await next)?.byteLength).toBe(1);
});
