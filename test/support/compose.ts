import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILE = 'compose.yaml';

/** Docker's own plugin where it is there, else the program of the same name. */
const COMMAND =
  spawnSync('docker', ['compose', 'version']).status === 0 ? ['docker', 'compose'] : ['docker-compose'];

export interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Waits without standing in the way: connections that are kept alive are looked after meanwhile. */
export function say(
  [program = '', ...args]: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Said> {
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

/** What `compose.yaml` describes, as a project of its own. */
export class Compose {
  readonly #command: readonly string[];
  readonly #env: NodeJS.ProcessEnv;

  constructor(project: string, env: Readonly<Record<string, string>>, over: readonly string[] = []) {
    const files = [FILE, ...over].flatMap((file) => ['-f', file]);
    this.#command = [...COMMAND, '--project-name', project, ...files, '--profile', 'docker'];
    this.#env = { ...process.env, ...env };
  }

  try(...args: string[]): Promise<Said> {
    return say([...this.#command, ...args], { cwd: ROOT, env: this.#env });
  }

  /** Gives its stdout; throws with what it said when it fails. */
  async run(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.try(...args);
    if (status !== 0) throw new Error(`compose ${args.join(' ')}: ${stderr}${stdout}`);
    return stdout.trim();
  }

  exec(service: string, ...command: string[]): Promise<string> {
    return this.run('exec', '-T', service, ...command);
  }

  /** Of the service's container, as the engine tells it. */
  async inspect(service: string, format: string): Promise<string> {
    const id = await this.run('ps', '-a', '-q', service);
    return (await say(['docker', 'inspect', '-f', format, id])).stdout.trim();
  }
}
