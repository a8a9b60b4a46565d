import { Type } from 'typebox';
import { SANDBOX_NAMES } from './sandbox/sandbox.ts';

/** The section `runtimes.wasi` of the configuration. */
export const Options = Type.Object(
  {
    sandbox: Type.Optional(Type.Union(SANDBOX_NAMES.map((name) => Type.Literal(name)))),
    cgroups: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
