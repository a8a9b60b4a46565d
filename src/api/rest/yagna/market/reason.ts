import { Type } from 'typebox';

/** Free words of the client, which may also say nothing; whatever else it says is kept out. */
export const Reason = Type.Union(
  [
    Type.Null(),
    Type.Object({
      message: Type.Optional(Type.String({ maxLength: 65_536 })),
      'golem.requestor.code': Type.Optional(Type.String({ maxLength: 1024 })),
    }),
  ],
  { default: null },
);
