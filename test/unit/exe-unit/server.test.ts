import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { request } from '../../../src/exe-unit/client/connection.ts';
import { JournalWriter } from '../../../src/exe-unit/journal/writer.ts';
import { connectIn, listenIn } from '../../../src/exe-unit/socket/directory-socket.ts';
import { readJsonLines } from '../../../src/exe-unit/socket/lines.ts';
import { checkReply } from '../../../src/exe-unit/socket/protocol.ts';
import { supervisorServer } from '../../../src/exe-unit/supervisor/server.ts';
import { Supervisor } from '../../../src/exe-unit/supervisor/supervisor.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { FakeRuntime } from '../../support/fake-runtime.ts';
import { specOf } from '../../support/exe-units.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';

let directory: string;
let journal: JournalWriter;
let stopListening: () => Promise<void>;
let server: Server;
let supervisor: Supervisor;
const clock = systemClock();

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ergon-server-'));
  journal = await JournalWriter.create(join(directory, 'journal.ndjson'), clock);
  const spec = specOf('a1');
  journal.append({ type: 'created', spec });
  supervisor = await Supervisor.create(spec, directory, {
    clock,
    logger: silentLogger,
    runtime: new FakeRuntime(),
    journal,
  });
  server = supervisorServer({ supervisor, journal, logger: silentLogger });
  stopListening = await listenIn(server, directory);
});
afterEach(async () => {
  await stopListening();
  await supervisor.end('Completed');
  await supervisor.done;
  await journal.close();
  rmSync(directory, { recursive: true });
});

async function say(bytes: string | Uint8Array): Promise<unknown[]> {
  const socket: Socket = await connectIn(directory);
  socket.on('error', () => undefined);
  socket.end(bytes);
  const replies: unknown[] = [];
  for await (const reply of readJsonLines(socket)) replies.push(reply);
  return replies;
}

describe('the door of a supervisor', () => {
  it('answers whatever is not a request with a refusal, and changes nothing', async () => {
    const noise = fc.oneof(
      fc.json().map((json) => `${json}\n`),
      fc.string({ unit: 'binary' }).map((text) => `${text}\n`),
      fc
        .record({
          op: fc.constantFrom('exec', 'provide', 'end', 'adopt'),
          batchId: fc.json(),
          script: fc.jsonValue(),
          hash: fc.string(),
          result: fc.jsonValue(),
        })
        .map((value) => `${JSON.stringify(value)}\n`),
    );
    await fc.assert(
      fc.asyncProperty(noise, async (line) => {
        for (const reply of await say(line)) {
          const checked = checkReply(reply);
          expect(checked).toMatchObject({ ok: false, code: 'ERR_EXE_UNIT_PROTOCOL' });
        }
        expect(journal.seq).toBe(1);
      }),
      { numRuns: 60 },
    );
    expect(await say('{"op":"ping"}\n')).toEqual([{ ok: true, seq: 1, state: 'New' }]);
  });

  it('answers several requests on one connection, in order', async () => {
    const replies = await say('{"op":"ping"}\n{"op":"nonsense"}\n{"op":"ping"}\n');
    expect(replies).toMatchObject([{ ok: true }, { ok: false }, { ok: true }]);
  });

  it('says how far the journal has got to whoever watches, and outlives who does not read', async () => {
    const deaf = await connectIn(directory);
    deaf.pause();
    deaf.write('{"op":"watch"}\n');
    const socket = await connectIn(directory);
    socket.write('{"op":"watch"}\n');
    const messages = readJsonLines(socket);
    expect((await messages.next()).value).toMatchObject({ ok: true, seq: 1 });
    for (let count = 0; count < 20_000; count += 1) journal.append({ type: 'handle', handle: 'x' });
    let seq = 0;
    while (seq < 20_001) ({ seq } = (await messages.next()).value as { seq: number });
    expect(seq).toBe(20_001);
    socket.destroy();
    deaf.destroy();
  });

  it('is given up when it does not answer in time', async () => {
    await stopListening();
    const silent = createServer(() => undefined);
    stopListening = await listenIn(silent, directory);
    silent.on('connection', (socket) => socket.resume());
    await expect(request(directory, { op: 'ping' }, 50, clock)).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_UNKNOWN',
    });
  });

  it('is known to be missing', async () => {
    await stopListening();
    stopListening = async () => undefined;
    await expect(request(directory, { op: 'ping' }, 1000, clock)).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_UNKNOWN',
    });
    expect(server.listening).toBe(false);
  });
});

describe('lines of JSON', () => {
  it('are the same however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue(), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (values, cuts) => {
          const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
          const pieces: Buffer[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const end = at + cuts[turn % cuts.length]!;
            pieces.push(bytes.subarray(at, end));
            at = end;
          }
          const read: unknown[] = [];
          for await (const value of readJsonLines(Readable.from(pieces))) read.push(value);
          expect(JSON.stringify(read)).toBe(JSON.stringify(values));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('are refused beyond their bound, before they are held', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1000, 'x');
      })(),
    );
    await expect(readJsonLines(endless, 10_000).next()).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_PROTOCOL',
    });
    const long = Readable.from([Buffer.from(`"${'x'.repeat(20_000)}"\n`)]);
    await expect(readJsonLines(long, 10_000).next()).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_PROTOCOL' });
  });
});
