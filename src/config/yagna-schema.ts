import { Type } from 'typebox';
import { PlatformName, RuntimeName } from '../interface/values.ts';
import { closed, flag } from './schema-parts.ts';

/** What stock clients of Yagna name when they are told nothing else. */
const YAGNA_PLATFORMS = ['erc20-holesky-tglm', 'erc20-hoodi-tglm', 'erc20-polygon-glm'];
/** What stock programs name most, as the container images that they are of; an upload of the same name goes before. */
const YAGNA_IMAGES = {
  'golem/alpine:latest':
    'docker://docker.io/library/alpine@sha256:a8560b36e8b8210634f77d9f7f9efd7ffa463e380b75e2e74aff4511df3ef88c',
  'golem/node:latest':
    'docker://docker.io/library/node@sha256:fb4cd12c85ee03686f6af5362a0b0d56d50c58a04632e6c0fb8363f609372293',
  'golem/node:20-alpine':
    'docker://docker.io/library/node@sha256:fb4cd12c85ee03686f6af5362a0b0d56d50c58a04632e6c0fb8363f609372293',
};
const ImageSource = Type.String({
  maxLength: 2048,
  pattern:
    '^(docker://[^@\\s]{1,512}@sha256:[0-9a-f]{64}|sha256:[0-9a-f]{64}|sha3:[0-9a-f]{56,128}:https?://\\S+)$',
});

/** `yagna`: what the Yagna-compatible API takes for what. */
export const yagnaSchema = Type.Object(
  {
    enabled: flag(
      'Serve the Yagna-compatible REST API, and offer runtimes under their alias names too',
      true,
    ),
    appKey: Type.Optional(
      Type.String({
        minLength: 8,
        maxLength: 128,
        pattern: '^[!-~]+$',
        description:
          'A further app-key, with the scope `requestor`, for programs that have one written into them (`try_golem` in some examples); whoever knows it can spend, so only for an API that nobody else reaches',
      }),
    ),
    platforms: Type.Record(PlatformName, PlatformName, {
      ...closed,
      maxProperties: 32,
      default: Object.fromEntries(YAGNA_PLATFORMS.map((name) => [name, 'ledger'])),
      description:
        'Payment platforms as clients of Yagna name them, and the platform of this node that serves each',
    }),
    runtimeAliases: Type.Record(RuntimeName, RuntimeName, {
      ...closed,
      maxProperties: 16,
      default: { vm: 'docker', wasmtime: 'wasi' },
      description: 'Further names under which runtimes are offered: alias to runtime',
    }),
    images: Type.Record(Type.String({ pattern: '^[A-Za-z0-9._/:@-]{1,256}$' }), ImageSource, {
      ...closed,
      maxProperties: 1024,
      default: YAGNA_IMAGES,
      description:
        'Image tags of `/v1/image/info`, beside the names of uploaded packages: tag to `docker://name@sha256:…`, `sha256:…` of an uploaded package, or `sha3:<hash>:<http url>`',
    }),
  },
  closed,
);
