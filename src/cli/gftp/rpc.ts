import { Type, type Static, type TSchema } from 'typebox';
import { problems, problemText } from '../../util/check.ts';
import { errorMessage } from '../../util/error-message.ts';

/** The codes of JSON-RPC 2.0, https://www.jsonrpc.org/specification#error_object */
const CODE = { parse: -32700, request: -32600, method: -32601, params: -32602, server: -32000 } as const;

/** What a program may call: its parameters, by name, and what it does. */
export interface Method {
  readonly params: TSchema;
  run(params: unknown): Promise<unknown>;
}
/** By the name that a request calls them by. */
export type Methods = Readonly<Record<string, Method>>;

/** A method whose parameters are checked by `params` before `run` has them. */
export function method<S extends TSchema>(params: S, run: (params: Static<S>) => Promise<unknown>): Method {
  // Called only with what has been checked by `params`.
  return { params, run: (given) => run(given as Static<S>) };
}

const Request = Type.Object({
  jsonrpc: Type.Literal('2.0'),
  id: Type.Optional(Type.Union([Type.Null(), Type.Number(), Type.String({ maxLength: 256 })])),
  method: Type.String({ maxLength: 64 }),
  params: Type.Optional(Type.Union([Type.Null(), Type.Object({}), Type.Array(Type.Unknown())])),
});
type Request = Static<typeof Request>;
type Id = Request['id'];

/** The answer to one line: a request, or several of them in a list. Undefined when there is nothing to say. */
export async function answerLine(line: string, methods: Methods): Promise<string | undefined> {
  let given: unknown;
  try {
    given = JSON.parse(line);
  } catch {
    return JSON.stringify(failure(null, CODE.parse, 'The line is not JSON'));
  }
  if (!Array.isArray(given)) return text(await answer(given, methods));
  if (given.length === 0) return JSON.stringify(failure(null, CODE.request, 'The list is empty'));
  const answers: object[] = [];
  for (const each of given) {
    const one = await answer(each, methods);
    if (one !== undefined) answers.push(one);
  }
  return answers.length === 0 ? undefined : JSON.stringify(answers);
}

async function answer(given: unknown, methods: Methods): Promise<object | undefined> {
  const wrong = problems(Request, given);
  if (wrong.length > 0)
    return failure(idOf(given), CODE.request, `It is no request: ${wrong.map(problemText).join('; ')}`);
  // The schema has just been checked.
  const request = given as Request;
  const told = await call(request, methods);
  // Without an id it is a notification, and nobody waits for an answer.
  return request.id === undefined ? undefined : told;
}

async function call({ id, method: name, params }: Request, methods: Methods): Promise<object> {
  const called = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (called === undefined)
    return failure(
      id,
      CODE.method,
      `There is no method ${name}; there are ${Object.keys(methods).join(', ')}`,
    );
  const wrong = problems(called.params, params ?? {});
  if (wrong.length > 0) return failure(id, CODE.params, `${name}: ${wrong.map(problemText).join('; ')}`);
  try {
    return { jsonrpc: '2.0', id: id ?? null, result: (await called.run(params ?? {})) ?? null };
  } catch (error) {
    return failure(id, CODE.server, errorMessage(error));
  }
}

function failure(id: Id, code: number, message: string): object {
  return { jsonrpc: '2.0', id: id ?? null, error: { code, message } };
}

function idOf(given: unknown): Id {
  if (typeof given !== 'object' || given === null || !('id' in given)) return null;
  return typeof given.id === 'string' || typeof given.id === 'number' ? given.id : null;
}

function text(told: object | undefined): string | undefined {
  return told === undefined ? undefined : JSON.stringify(told);
}
