/* Deploys the program, lets it spin, tells its process, and goes on until it is killed. */
import fs from 'node:fs';
import { WasiActivity, wasiRuntime } from './wasi-activity.ts';

const [program = '', sandbox = ''] = process.argv.slice(2);
const activity = await new WasiActivity(wasiRuntime({ sandbox })).deploy(program);
await activity.launch(['spin']);
const { pid } = JSON.parse(fs.readFileSync(`${activity.workDir}/runtime/process.json`, 'utf8')) as {
  pid: number;
};
process.stdout.write(`${JSON.stringify({ pid, handle: activity.handle, workDir: activity.workDir })}\n`);
setInterval(() => undefined, 60_000);
