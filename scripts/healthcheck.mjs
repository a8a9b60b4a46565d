// The image's health check: does the daemon of this container say that it is well?
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

try {
  const { url } = JSON.parse(await readFile(join(process.env.ERGON_DATA_DIR ?? '/data', 'api.json'), 'utf8'));
  const answer = await fetch(`${url}/v1/health`, { signal: AbortSignal.timeout(4000) });
  process.exit(answer.ok ? 0 : 1);
} catch {
  process.exit(1);
}
