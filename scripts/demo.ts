// The main job, end to end, on this machine: two real daemons, a program nobody here wrote (esbuild, as a WASI
// module from npm), a task over REST, the sandbox, the result and the settled bill.
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatUnits } from 'ethers';
import type {
  ActivityRecord,
  AgreementRecord,
  DebitNoteRecord,
  InvoiceRecord,
  TaskRecord,
} from '../src/interface/index.ts';
import { onBreakOff } from './break-off.ts';
import { LocalNode } from './local-node.ts';
import { scriptOptions } from './script-options.ts';

const root = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '..' : '../..', import.meta.url));
const USAGE = `usage: npm run demo -- [--json]

  Two daemons on this machine: a real program is agreed on, run in a sandbox, billed and settled.

  --json  progress to stderr, and one line of JSON to stdout
`;
const { json } = scriptOptions(USAGE, { options: { json: { type: 'boolean', default: false } } }).values;

const PROGRAM = join(root, 'node_modules/@esbuild/wasi-preview1/esbuild.wasm');
const INPUT = join(root, 'src/interface/values.ts');
const DECIMALS = 18;

/** Progress is for people: with --json it goes to stderr, and stdout ends with the one line. */
const say = (text: string): void => void (json ? process.stderr : process.stdout).write(`${text}\n`);
let steps = 0;
const step = (title: string): void => say(`\n${(steps += 1)}. ${title}`);
const fact = (name: string, value: string): void => say(`   ${name.padEnd(12)} ${value}`);
const tokens = (amount: string | bigint): string => `${formatUnits(amount, DECIMALS)} ERG`;
const sum = (amounts: readonly string[]): bigint =>
  amounts.reduce((total, amount) => total + BigInt(amount), 0n);

interface Page<T> {
  readonly items: readonly T[];
}
type TaskView = TaskRecord & { bill: { accepted: string; invoiced: string; settled: string } };

async function startNodes(dir: string): Promise<{ provider: LocalNode; requestor: LocalNode }> {
  step('Two daemons start on loopback, each with its own identity and books');
  const provider = await LocalNode.start(join(dir, 'provider'), { name: 'provider' });
  running.push(provider);
  const seller = await provider.info();
  fact('provider', `${seller.address}  ${seller.multiaddrs[0] ?? ''}`);
  const requestor = await LocalNode.start(join(dir, 'requestor'), {
    name: 'requestor',
    network: { bootstrap: seller.multiaddrs },
    provider: { enabled: false },
  });
  running.push(requestor);
  fact('requestor', `${(await requestor.info()).address}  ${requestor.url}`);
  return { provider, requestor };
}

async function submit(requestor: LocalNode): Promise<string> {
  step('The requestor uploads a task package and its input over REST, and submits a task');
  const program = await requestor.upload('packages', await readFile(PROGRAM));
  const input = await requestor.upload('blobs', await readFile(INPUT));
  fact(
    'package',
    `esbuild, ${(program.sizeBytes / 1e6).toFixed(1)} MB of WASI from npm, ${program.hash.slice(0, 19)}…`,
  );
  fact('input', `src/interface/values.ts, ${input.sizeBytes} bytes, ${input.hash.slice(0, 19)}…`);
  const task = await requestor.call<TaskRecord>('POST', '/v1/tasks', {
    name: 'compile a TypeScript file',
    package: program.hash,
    entryPoint: 'esbuild',
    args: ['/input.ts', '--format=esm', '--outfile=/output.js'],
    inputs: [{ blob: input.hash, path: '/input.ts' }],
    outputs: ['/output.js'],
    limits: { memoryBytes: 1024 ** 3, cpuTimeMs: 60_000, wallTimeMs: 120_000 },
    budget: '1',
  });
  fact('task', task.taskId);
  return task.taskId;
}

async function follow(requestor: LocalNode, taskId: string): Promise<TaskView> {
  step('A provider is found, agrees, deploys and runs it in a sandbox');
  let shown = '';
  return requestor.until(
    'the task',
    async () => {
      const task = await requestor.call<TaskView>('GET', `/v1/tasks/${taskId}`);
      const line = `${task.state}: ${task.progress.message}`;
      if (line !== shown) fact('', line);
      shown = line;
      if (task.state === 'Failed' || task.state === 'Canceled')
        throw new Error(`the task ${task.state}: ${task.reason?.code ?? ''} ${task.reason?.message ?? ''}`);
      return task.state === 'Succeeded' && task.attempts.every((attempt) => attempt.phase === 'Done')
        ? task
        : undefined;
    },
    180_000,
  );
}

async function fetchOutput(
  requestor: LocalNode,
  task: TaskView,
): Promise<{ hash: string; sizeBytes: number }> {
  step('The result is here, verified by its hash');
  const output = task.result?.outputs[0];
  if (output === undefined) throw new Error('the task brought no output');
  const bytes = new Uint8Array(await (await requestor.raw('GET', `/v1/blobs/${output.blob}`)).arrayBuffer());
  const hash = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (hash !== output.blob) throw new Error(`the output's hash is ${hash}, not ${output.blob}`);
  fact('exit code', String(task.result?.exitCode));
  fact('output', `${output.path}, ${bytes.length} bytes, ${hash}`);
  const firstLine = new TextDecoder()
    .decode(bytes)
    .split('\n')
    .find((line) => line.trim() !== '');
  fact('begins', firstLine ?? '');
  return { hash, sizeBytes: bytes.length };
}

async function books(requestor: LocalNode, task: TaskView) {
  const attempt = task.attempts.at(-1);
  if (attempt === undefined) throw new Error('the task has no attempt');
  const { agreementId, activityId } = attempt;
  const agreement = await requestor.call<AgreementRecord>('GET', `/v1/agreements/${agreementId}`);
  const activity = await requestor.call<ActivityRecord>('GET', `/v1/activities/${activityId}`);
  const notes = await requestor.call<Page<DebitNoteRecord>>(
    'GET',
    `/v1/debit-notes?agreement=${agreementId}`,
  );
  const invoices = await requestor.call<Page<InvoiceRecord>>('GET', `/v1/invoices?agreement=${agreementId}`);
  const invoice = invoices.items[0];
  if (invoice === undefined) throw new Error('there is no invoice');
  return { agreement, activity, notes: [...notes.items].reverse(), invoice };
}

function showBill({ agreement, activity, notes, invoice }: Awaited<ReturnType<typeof books>>): void {
  step('What was agreed, used, billed and paid');
  const { pricing } = agreement.agreement.terms;
  fact(
    'agreement',
    `${agreement.agreement.agreementId}, ${agreement.state}, signed by both over ${agreement.digest.slice(0, 14)}…`,
  );
  pricing.counters.forEach((counter, i) =>
    fact('price', `${tokens(pricing.coefficients[i] ?? '0')} per ${counter}`),
  );
  fact('activity', `${activity.activityId}: ${activity.history.map((entry) => entry.state).join(' → ')}`);
  for (const [counter, amount] of Object.entries(activity.usage?.counters ?? {}))
    fact('usage', `${formatUnits(amount, 9)} ${counter}`);
  for (const { note, state } of notes)
    fact(
      'debit note',
      `#${note.sequence}${note.final ? ' (final)' : ''} ${tokens(note.totalAmountDue)}, ${state}`,
    );
  fact('invoice', `${tokens(invoice.invoice.amount)}, ${invoice.state}`);
}

const running: LocalNode[] = [];

async function main(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'ergon-demo-'));
  onBreakOff(() => cleanUp(dir));
  try {
    const { requestor } = await startNodes(dir);
    const task = await follow(requestor, await submit(requestor));
    const output = await fetchOutput(requestor, task);
    const chain = await books(requestor, task);
    showBill(chain);
    const { agreement, activity, notes, invoice } = chain;
    const sums = {
      billed: sum([invoice.invoice.amount]).toString(),
      accepted: task.bill.accepted,
      settled: task.bill.settled,
    };
    step(`Billed ${tokens(sums.billed)}, accepted ${tokens(sums.accepted)}, settled ${tokens(sums.settled)}`);
    await stopAll();
    if (!json) return;
    const line = {
      output,
      agreement: {
        agreementId: agreement.agreement.agreementId,
        state: agreement.state,
        digest: agreement.digest,
      },
      activity: {
        activityId: activity.activityId,
        states: activity.history.map((entry) => entry.state),
        usage: activity.usage?.counters ?? {},
      },
      debitNotes: notes.map(({ note, state }) => ({
        debitNoteId: note.debitNoteId,
        final: note.final,
        amount: note.totalAmountDue,
        state,
      })),
      invoice: {
        invoiceId: invoice.invoice.invoiceId,
        amount: invoice.invoice.amount,
        status: invoice.state,
      },
      sums,
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  } finally {
    await cleanUp(dir);
  }
}

async function cleanUp(dir: string): Promise<void> {
  await stopAll();
  await rm(dir, { recursive: true, force: true });
}

async function stopAll(): Promise<void> {
  for (const node of running.splice(0).reverse()) await node.stop();
}

main().catch((error: unknown) => {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
