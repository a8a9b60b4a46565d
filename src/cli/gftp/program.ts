import { Command } from 'commander';
import { isErgonError } from '../../interface/errors.ts';
import { errorMessage } from '../../util/error-message.ts';
import { findDaemon } from '../connection.ts';
import { CliError } from '../errors.ts';
import { EXIT_STATUS, exitStatusOf } from '../exit-status.ts';
import { write, type Io } from '../io.ts';
import { Gateway } from './gateway.ts';
import { VERSION_TEXT } from './methods.ts';
import { serveRpc } from './server.ts';
import { FileServices, type FileAtUrl } from './file-services.ts';

const AFTER = `
The daemon is found by YAGNA_API_URL and YAGNA_APPKEY, else by ERGON_API_URL and ERGON_APP_KEY, else in the data
directory (ERGON_DATA_DIR) of the one that runs. Results are lines of JSON, as Yagna's gftp writes them.`;

/** The command line of `gftp`; `onStatus` gets the exit status of what failed. */
export function gftpProgram(io: Io, onStatus: (status: number) => void): Command {
  const program = new Command('gftp')
    .description('Files of this machine for activities, through the running requestor daemon.')
    .version(VERSION_TEXT, '--version', 'print the version')
    .option('-v, --verbose', 'print whole JSON-RPC answers')
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .exitOverride()
    .addHelpText('after', AFTER);
  addCommands(program, runner(program, io, onStatus));
  return program;
}

interface Runner {
  readonly io: Io;
  readonly tell: (result: unknown) => Promise<void>;
  /** With a daemon; what fails is told as an answer, and is the exit status. */
  readonly act: (action: (services: FileServices) => Promise<unknown>) => Promise<void>;
}

function runner(program: Command, io: Io, onStatus: (status: number) => void): Runner {
  const print = (told: object): Promise<void> => {
    const verbose = program.opts<{ verbose?: boolean }>().verbose === true;
    const answer = verbose ? { jsonrpc: '2.0', id: null, ...told } : told;
    return write(io.stdout, `${JSON.stringify(answer)}\n`);
  };
  return {
    io,
    tell: (result) => print({ result }),
    act: async (action) => {
      try {
        const services = await openServices(io);
        await action(services).finally(() => services.stop());
      } catch (error) {
        const message = errorMessage(error);
        await print({ error: { code: -32000, message } });
        onStatus(isErgonError(error) ? exitStatusOf(error) : EXIT_STATUS.failed);
      }
    },
  };
}

function addCommands(program: Command, { io, tell, act }: Runner): void {
  program
    .command('version')
    .description('print the version')
    .action(() => tell(VERSION_TEXT));
  program
    .command('publish <files...>')
    .description('publish files, until Ctrl-C')
    .action((files: string[]) =>
      act(async (services) => {
        const published: FileAtUrl[] = [];
        for (const file of files) published.push(await services.publish(file));
        await tell(published);
        await interrupted(io).promise;
      }),
    );
  program
    .command('receive <output-file>')
    .description('wait for a file that somebody uploads')
    .action((output: string) =>
      act(async (services) => {
        const { file, url, arrived } = await services.receive(output);
        await tell({ file, url });
        const interrupt = interrupted(io);
        await Promise.race([arrived, interrupt.promise]);
        interrupt.forget();
      }),
    );
  program
    .command('download <url> [output-file]')
    .option('-o, --output-file <path>', 'where it goes')
    .description('download what some other gftp of this daemon publishes')
    .action((url: string, output: string | undefined, { outputFile }: { outputFile?: string }) =>
      act(async (services) => {
        const path = output ?? outputFile;
        if (path === undefined) throw new CliError('ERR_CLI_ARGUMENT', 'Name the file that it is to become');
        await tell(await services.download(url, path));
      }),
    );
  program
    .command('upload <url> <file>')
    .description('send a file to where some other gftp of this daemon receives one')
    .action((one: string, other: string) => {
      const [url, file] = other.startsWith('gftp://') ? [other, one] : [one, other];
      return act(async (services) => tell(await services.upload(file, url)));
    });
  program
    .command('server')
    .description('answer JSON-RPC 2.0 on stdin and stdout, a line each')
    .action(() =>
      act(async (services) => {
        const interrupt = interrupted(io);
        const end = new AbortController();
        void interrupt.promise.then(() => end.abort());
        await serveRpc(services, io, end.signal);
        interrupt.forget();
      }),
    );
}

async function openServices(io: Io): Promise<FileServices> {
  const dataDir = async (): Promise<string> => {
    const { loadDataDir } = await import('../../config/index.ts');
    return loadDataDir();
  };
  const connection = await findDaemon({}, io.environment, dataDir);
  const gateway = new Gateway(connection);
  return new FileServices({
    gateway,
    sleep: (delayMs, signal) => io.sleep(delayMs, signal),
    warn: (text) => void io.stderr.write(`gftp: ${text}\n`),
  });
}

function interrupted(io: Io): { readonly promise: Promise<unknown>; readonly forget: () => void } {
  const { promise, resolve } = Promise.withResolvers();
  const forget = io.onInterrupt(() => resolve(undefined));
  return { promise, forget };
}
