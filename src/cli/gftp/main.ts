import { CommanderError } from 'commander';
import { gftpEnvironment } from '../../config/env.ts';
import { EXIT_STATUS } from '../exit-status.ts';
import { processIo } from '../io.ts';
import { gftpProgram } from './program.ts';

let status: number = EXIT_STATUS.ok;
process.stdout.on('error', (error: Error & { code?: string }) => {
  // Who started it has gone, and with it everybody who could want a file.
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
try {
  const io = { ...processIo(), environment: gftpEnvironment() };
  await gftpProgram(io, (own) => (status = own)).parseAsync(process.argv.slice(2), { from: 'user' });
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  status = error.exitCode === 0 ? EXIT_STATUS.ok : EXIT_STATUS.usage;
}
process.exit(status);
