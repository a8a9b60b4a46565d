import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import { allows, type Scope } from '../identity/index.ts';
import type { AppKeys, Caller } from './components.ts';
import { ApiError } from './errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
  }
}

const BEARER = /^Bearer ([\x21-\x7e]{1,512})$/i;

/** Lets a request pass when its app-key has the scope of the route. */
export function authenticate(appKeys: AppKeys): onRequestAsyncHookHandler {
  return async (request) => {
    const scope = request.routeOptions.config.scope;
    if (scope === 'public') return;
    const caller = request.caller ?? (await callerOf(request, appKeys));
    request.caller = caller;
    if (scope !== undefined) expectScope(caller, scope);
  };
}

/**
 * For what needs another scope than its route, as the thing that it is about has it.
 * @throws ApiError ERR_API_FORBIDDEN
 */
export function expectScope(caller: Caller | undefined, scope: Scope): void {
  const scopes = caller?.scopes ?? [];
  if (allows(scopes, scope)) return;
  throw new ApiError('ERR_API_FORBIDDEN', `This needs an app-key with the scope "${scope}"`, {
    scope,
    scopes,
  });
}

/** Who calls, when the key is good; for those who must know it before anything is refused. */
export async function knownCaller(request: FastifyRequest, appKeys: AppKeys): Promise<Caller | undefined> {
  const key = BEARER.exec(request.headers.authorization ?? '')?.[1];
  return key === undefined ? undefined : appKeys.authenticate(key);
}

async function callerOf(request: FastifyRequest, appKeys: AppKeys): Promise<Caller> {
  const key = BEARER.exec(request.headers.authorization ?? '')?.[1];
  if (key === undefined) {
    throw new ApiError('ERR_API_UNAUTHORIZED', 'The request has no `Authorization: Bearer <app-key>` header');
  }
  const caller = await appKeys.authenticate(key);
  if (caller === undefined)
    throw new ApiError('ERR_API_UNAUTHORIZED', 'The app-key is unknown, expired or revoked');
  return caller;
}
