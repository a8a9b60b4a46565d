import { readFileSync } from 'node:fs';
import ajvFormats from 'ajv-formats';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { CONTRACT_ID, type Schema, type YagnaContract } from '../../scripts/yagna-contract.ts';
import type { Deviation } from '../../scripts/yagna-deviations.ts';

export const contract = JSON.parse(
  readFileSync(new URL('../fixtures/yagna/contract.json', import.meta.url), 'utf8'),
) as YagnaContract;

export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

export type Finding = Omit<Deviation, 'reason'>;

/** Holds answers against Yagna's specifications and remembers what did not fit, and what was seen at all. */
export class ContractWatch {
  readonly findings = new Map<string, Finding & { readonly example: string }>();
  /** `GET /me 200` */
  readonly seen = new Set<string>();
  readonly #ajv = new Ajv({ strict: false, allErrors: true });
  readonly #checks = new Map<string, ValidateFunction>();
  readonly #routes: readonly { readonly route: string; readonly method: string; readonly pattern: RegExp }[];

  constructor() {
    ajvFormats.default(this.#ajv, ['date-time', 'byte']);
    this.#ajv.addSchema({ $id: CONTRACT_ID, schemas: contract.schemas });
    // Those with fewer parameters first: `/payments/status` is no `/payments/{paymentId}`.
    const parameters = (route: string): number => route.split('{').length;
    this.#routes = Object.keys(contract.routes)
      .sort((a, b) => parameters(a) - parameters(b))
      .map((route) => {
        const [method = '', path = ''] = route.split(' ');
        return { route, method, pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`) };
      });
  }

  check(method: string, url: string, answer: Answer): void {
    const path = url.split('?', 1)[0] ?? '';
    const route = this.#routes.find((known) => known.method === method && known.pattern.test(path))?.route;
    if (route === undefined) return;
    this.seen.add(`${route} ${answer.status}`);
    for (const what of this.#differences(route, answer)) {
      const finding = { route, status: answer.status, what };
      this.findings.set(Object.values(finding).join(' '), { ...finding, example: answer.body.slice(0, 300) });
    }
  }

  #differences(route: string, { status, type, body }: Answer): string[] {
    const answers = contract.routes[route] ?? {};
    // Its own words of what went wrong are for errors only.
    const schema = answers[String(status)] ?? (status >= 400 ? answers['default'] : undefined);
    if (answers[String(status)] === undefined && schema === undefined)
      return ['status', ...(status >= 400 ? errorDifferences(body) : [])];
    if (status >= 400) return errorDifferences(body);
    if (status === 204) return body === '' ? [] : ['a body'];
    if (type?.startsWith('text/event-stream') === true || schema === null || schema === undefined) return [];
    if (type?.startsWith('application/json') !== true) return ['no JSON'];
    const check = this.#checkOf(`${route} ${status}`, schema);
    return check(JSON.parse(body)) ? [] : (check.errors ?? []).map(differenceOf);
  }

  #checkOf(key: string, schema: Schema): ValidateFunction {
    const known = this.#checks.get(key);
    if (known !== undefined) return known;
    const made = this.#ajv.compile(schema);
    this.#checks.set(key, made);
    return made;
  }
}

/** An index says nothing of what differs. */
function differenceOf({ instancePath, message = '' }: ErrorObject): string {
  return `${instancePath.replace(/\/\d+/g, '/*')} ${message}`.trim();
}

function errorDifferences(body: string): string[] {
  try {
    const document: unknown = JSON.parse(body);
    const isMessage =
      typeof document === 'object' &&
      document !== null &&
      'message' in document &&
      typeof document.message === 'string';
    return isMessage ? [] : ['no message'];
  } catch {
    return ['no JSON'];
  }
}
