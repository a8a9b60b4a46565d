import { Type } from 'typebox';
import { VERSION } from '../../daemon/version.ts';
import { YAGNA_VERSION } from '../../interface/index.ts';
import { method, type Methods } from './rpc.ts';
import type { FileServices } from './file-services.ts';

const Path = Type.String({ minLength: 1, maxLength: 4096, pattern: '^[^\\0]*$' });
const Url = Type.String({ maxLength: 512 });

export const VERSION_TEXT = `gftp ${VERSION} (Ergon)`;

/** What Yagna's `gftp` can be asked, and how it answers. */
export function gftpMethods(services: FileServices, shutDown: () => void): Methods {
  return {
    // Clients read the first word as that of Yagna's `gftp`, and close nothing with one older than 0.7.3.
    version: method(Type.Object({}), async () => `${YAGNA_VERSION} (${VERSION_TEXT})`),
    publish: method(
      Type.Object({ files: Type.Array(Path, { minItems: 1, maxItems: 1024 }) }),
      async ({ files }) => {
        const published = [];
        for (const file of files) published.push(await services.publish(file));
        return published;
      },
    ),
    close: method(
      Type.Object({ urls: Type.Array(Url, { minItems: 1, maxItems: 1024 }) }),
      async ({ urls }) => {
        const statuses = [];
        for (const url of urls) statuses.push((await services.close(url)) ? 'ok' : 'error');
        return statuses;
      },
    ),
    receive: method(Type.Object({ output_file: Path }), async ({ output_file }) => {
      const { file, url } = await services.receive(output_file);
      return { file, url };
    }),
    download: method(Type.Object({ url: Url, output_file: Path }), ({ url, output_file }) =>
      services.download(url, output_file),
    ),
    upload: method(Type.Object({ url: Url, file: Path }), ({ url, file }) => services.upload(file, url)),
    shutdown: method(Type.Object({}), async () => {
      shutDown();
      return 'ok';
    }),
  };
}
