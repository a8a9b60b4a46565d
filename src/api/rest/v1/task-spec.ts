import { ApiError } from '../../errors.ts';
import type { RouteContext } from '../../route.ts';
import { invalidRequest } from '../../validation.ts';
import { packageBucket } from '../../package-bucket.ts';
import type { TaskBody } from '../../schemas/task.ts';
import type { TaskSpec } from '../../../interface/index.ts';
import { parseTokens } from '../../../util/token-amount.ts';

/** The specification that a body means: its budget in smallest units, its stdin a blob. */
export async function taskSpec(body: TaskBody, context: RouteContext): Promise<TaskSpec> {
  const { budget, stdin, name, env, runtime, ...rest } = omitId(body);
  const units = await smallestUnits(budget, body.platform, context);
  const stdinBlob = await stdinHash(stdin, context);
  const image = (await context.store.get(packageBucket, body.package))?.image;
  return {
    ...rest,
    ...(image !== undefined && { image }),
    runtime: runtime ?? (image === undefined ? 'wasi' : 'docker'),
    env: env ?? {},
    budget: units,
    ...(name !== undefined && { name }),
    ...(stdinBlob !== undefined && { stdin: stdinBlob }),
  };
}

function omitId(body: TaskBody): Omit<TaskBody, 'taskId'> {
  const copy = { ...body };
  delete copy.taskId;
  return copy;
}

/** Tokens → smallest units of the platform. */
export async function smallestUnits(
  tokens: string,
  platform: string,
  { node }: RouteContext,
): Promise<string> {
  const { platforms } = await node.info();
  const known = platforms.find((candidate) => candidate.platform === platform);
  if (known === undefined) {
    const names = platforms.map((candidate) => candidate.platform);
    throw new ApiError(
      'ERR_API_REFERENCE',
      `This node has no payment platform "${platform}"; it has ${names.join(', ')}`,
      {
        platform,
        platforms: names,
      },
    );
  }
  const units = parseTokens(tokens, known.decimals)?.toString();
  if (units === undefined || units.length > 39) {
    const expected = `must be a decimal number with at most ${known.decimals} places`;
    throw invalidRequest([{ path: '/body/budget', expected, got: JSON.stringify(tokens) }]);
  }
  return units;
}

async function stdinHash(stdin: TaskBody['stdin'], { blobs }: RouteContext): Promise<string | undefined> {
  if (stdin === undefined) return undefined;
  if (typeof stdin === 'object') return stdin.blob;
  const text = Buffer.from(stdin);
  const blob = await blobs.put(
    (async function* () {
      yield text;
    })(),
  );
  return blob.hash;
}
