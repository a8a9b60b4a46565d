import type { Command } from 'commander';
import type { Commands } from './command.ts';

type Add = (parent: Command, commands: Commands, summary: string) => void;

/** A word after `ergon`. What is behind it is loaded only when it is called, so that `--help` comes at once. */
export interface TopLevel {
  readonly name: string;
  readonly summary: string;
  /** A group has commands of its own, which `load` adds to it. */
  readonly group: boolean;
  readonly load: () => Promise<Add>;
}

const single = (name: string, summary: string, load: () => Promise<Add>): TopLevel => ({
  name,
  summary,
  group: false,
  load,
});
const group = (name: string, summary: string, load: () => Promise<Add>): TopLevel => ({
  name,
  summary,
  group: true,
  load,
});

/** All words that may come first, in the order of `--help`. */
export const TOP_LEVEL: readonly TopLevel[] = [
  single('init', "make the node's identity and data directory; harmless when they are there", async () => {
    return (await import('./commands/node.ts')).initCommand;
  }),
  single('daemon', 'run the node until SIGINT or SIGTERM', async () => {
    return (await import('./commands/node.ts')).daemonCommand;
  }),
  single('status', 'who the node is, since when it runs, what it sells', async () => {
    return (await import('./commands/node.ts')).statusCommand;
  }),
  single('peers', 'nodes that this one is connected to', async () => {
    return (await import('./commands/node.ts')).peersCommand;
  }),
  single('offers', 'what providers sell, as far as this node has heard', async () => {
    return (await import('./commands/offers.ts')).offersCommand;
  }),
  group('package', 'task packages: programs to run elsewhere', async () => {
    return (await import('./commands/package.ts')).packageCommands;
  }),
  group('blob', 'files that tasks read and have put out', async () => {
    return (await import('./commands/blob.ts')).blobCommands;
  }),
  group('task', 'programs that this node has run by others', async () => {
    return (await import('./commands/task.ts')).taskCommands;
  }),
  group('agreement', 'contracts with providers and requestors', async () => {
    return (await import('./commands/agreement.ts')).agreementCommands;
  }),
  group('activity', 'sandboxes under agreements, here and elsewhere', async () => {
    return (await import('./commands/activity.ts')).activityCommands;
  }),
  group('provider', 'whether and at which price this node sells', async () => {
    return (await import('./commands/provider.ts')).providerCommands;
  }),
  group('debit-note', 'cumulative bills of running activities', async () => {
    return (await import('./commands/bill.ts')).debitNoteCommands;
  }),
  group('invoice', 'final bills of agreements', async () => {
    return (await import('./commands/bill.ts')).invoiceCommands;
  }),
  group('app-key', 'keys that programs and people come to the REST API with', async () => {
    return (await import('./commands/app-key.ts')).appKeyCommands;
  }),
  group('store', 'the books of the node', async () => {
    return (await import('./commands/store.ts')).storeCommands;
  }),
  single(
    'events',
    'what has happened on this node, oldest first; with --json, one event a line',
    async () => {
      return (await import('./commands/events.ts')).eventsCommand;
    },
  ),
  single('doctor', 'what this machine can enforce and what not, and what would mend it', async () => {
    return (await import('./commands/doctor.ts')).doctorCommand;
  }),
  group('runtime', 'the sandboxes themselves, without a daemon', async () => {
    return (await import('./commands/runtime.ts')).runtimeCommands;
  }),
];
