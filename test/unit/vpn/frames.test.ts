import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameDecoder, MAX_FRAME_BYTES, readHeader } from '../../../src/vpn/frames.ts';
import { endsOf } from '../../../src/vpn/packet.ts';
import { packetOf } from './packets.ts';

const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 });
const cuts = fc.array(fc.nat(200), { minLength: 1, maxLength: 50 });

/** The bytes in pieces of these sizes, over and over. */
function* pieces(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = (sizes[turn % sizes.length] ?? 0) + 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function* streamed(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  yield* pieces(bytes, sizes);
}

describe('frames', () => {
  it('come out as they went in, however they are cut on the way', () => {
    fc.assert(
      fc.property(frames, cuts, (sent, sizes) => {
        const decoder = new FrameDecoder();
        const bytes = Buffer.concat(sent.map((frame) => encodeFrame(frame)));
        const got = [...pieces(bytes, sizes)].flatMap((piece) => decoder.take(piece));
        expect(got.map((frame) => [...frame])).toEqual(sent.map((frame) => [...frame]));
      }),
    );
  });

  it('that are empty or too long end it all', () => {
    const INVALID = expect.objectContaining({ code: 'ERR_VPN_INVALID' });
    expect(() => new FrameDecoder().take(Buffer.from([0, 0]))).toThrow(INVALID);
    const long = Buffer.alloc(2);
    long.writeUInt16BE(MAX_FRAME_BYTES + 1);
    expect(() => new FrameDecoder().take(long)).toThrow(INVALID);
    expect(new FrameDecoder().take(encodeFrame(new Uint8Array(MAX_FRAME_BYTES)))).toHaveLength(1);
  });

  it('begin a stream, whose other bytes follow unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.uint8Array({ maxLength: 500 }),
        cuts,
        async (first, rest, sizes) => {
          const bytes = Buffer.concat([encodeFrame(first), rest]);
          const { header, body } = await readHeader(streamed(bytes, sizes));
          expect([...header]).toEqual([...first]);
          const others: Uint8Array[] = [];
          for await (const chunk of body) others.push(chunk);
          expect([...Buffer.concat(others)]).toEqual([...rest]);
        },
      ),
    );
    await expect(readHeader(streamed(Buffer.from([0, 9, 1]), [0]))).rejects.toMatchObject({
      code: 'ERR_VPN_INVALID',
    });
  });
});

describe('a packet', () => {
  it('says who it is from and where it goes', () => {
    const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(address, address, (source, destination) => {
        expect(endsOf(packetOf(source, destination))).toEqual({ source, destination });
      }),
    );
  });

  it('is none when it is short, or of another version', () => {
    const packet = packetOf(1, 2);
    expect(endsOf(packet.subarray(0, 19))).toBeUndefined();
    packet[0] = 0x60;
    expect(endsOf(packet)).toBeUndefined();
  });
});
