import { Type, type Static } from 'typebox';

/** What an app-key may do: read, buy, sell, or all of it and manage the node. */
export const SCOPES = ['read', 'requestor', 'provider', 'admin'] as const;
export const Scope = Type.Union(SCOPES.map((scope) => Type.Literal(scope)));
export type Scope = (typeof SCOPES)[number];
export const Scopes = Type.Array(Scope, { minItems: 1, maxItems: SCOPES.length });
export type Scopes = Static<typeof Scopes>;

/** `read` is part of `requestor` and of `provider`, and all of them of `admin`. */
export function allows(scopes: readonly Scope[], needed: Scope): boolean {
  if (scopes.includes('admin') || scopes.includes(needed)) return true;
  return needed === 'read' && scopes.length > 0;
}
