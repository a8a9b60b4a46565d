import { realExeUnits, run, script, specOf } from './exe-units.ts';

/*
 * Stands for a provider's daemon in tests that kill it: starts an activity, says so, and waits.
 * Arguments: data directory, activity id, behaviour, its arguments.
 */
const [, , dataDir = '', activityId = '', behaviour = '', ...args] = process.argv;
const units = await realExeUnits(dataDir, { mock: 1 });
await units.start();
await units.create(specOf(activityId));
await units.exec(activityId, 'batch-1', script(run(behaviour, ...args)));
process.stdout.write('started\n');
setInterval(() => undefined, 60_000);
