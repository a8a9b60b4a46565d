import { describe, expect, it } from 'vitest';
import { outboundPolicy } from '../../../../src/transfer/http/outbound-policy.ts';
import { localServers } from '../../../support/http-server.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { urlWorld } from './world.ts';

const folder = temporaryFolder();
const servers = localServers();
const forbidden = { code: 'ERR_TRANSFER_FORBIDDEN_ADDRESS' };

describe('where strangers may have this node connect to', () => {
  const policy = outboundPolicy({ allowHosts: [], localAddresses: () => ['198.41.0.4', '2a00::1'] });

  it.each([
    '127.0.0.1',
    '127.255.0.9',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.100.100.200',
    '192.0.0.192',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::127.0.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '64:ff9b::a9fe:a9fe',
    '2002:7f00:1::',
    '2001::1',
    '2001:db8::1',
    '198.41.0.4',
    '2a00::1',
    'nonsense',
    '',
  ])('not to %s', (address) => {
    expect(() => policy.permitted('host', [address])).toThrow(expect.objectContaining(forbidden) as Error);
  });

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '1.1.1.1', '2606:4700::1111', '2a00::2'])(
    'to %s',
    (address) => {
      expect(policy.permitted('host', [address])).toEqual([address]);
    },
  );

  it('only to those of a host that are public', () => {
    expect(policy.permitted('host', ['127.0.0.1', '8.8.8.8', '::1'])).toEqual(['8.8.8.8']);
    expect(() => policy.permitted('host', [])).toThrow(expect.objectContaining(forbidden) as Error);
  });

  it('to what the operator allows, by name, address or network', () => {
    const open = outboundPolicy({
      allowHosts: ['files.local', '*.Lan.example', '10.1.0.0/16', '::1', 'fd00::/8'],
      localAddresses: () => ['10.1.0.9'],
    });
    const may = (host: string, address: string): boolean => {
      try {
        return open.permitted(host, [address]).length === 1;
      } catch {
        return false;
      }
    };
    expect([
      may('FILES.local', '192.168.0.1'),
      may('a.lan.example', '192.168.0.1'),
      may('x', '10.1.200.3'),
      may('x', '10.1.0.9'),
      may('x', '::1'),
      may('x', 'fd12::1'),
    ]).not.toContain(false);
    expect([
      may('lan.example', '192.168.0.1'),
      may('evilfiles.local', '192.168.0.1'),
      may('x', '10.2.0.1'),
      may('x', '127.0.0.1'),
    ]).not.toContain(true);
  });
});

describe('connections to where they may not go', () => {
  it.each(['127.0.0.1', 'localhost', '0x7f.1', '2130706433', '[::1]', '[::ffff:127.0.0.1]', '127.1', '0'])(
    'a URL of %s is refused, and no server hears of it',
    async (host) => {
      const server = await servers.http((_, response) => response.end('secret'));
      const world = await urlWorld(folder(), [], { localhost: ['127.0.0.1', '::1'] });
      await expect(world.fetch(`http://${host}:${server.port}/`)).rejects.toMatchObject(forbidden);
      expect(server.requests).toHaveLength(0);
    },
  );

  it('a public name that leads to a private address is refused', async () => {
    const server = await servers.http((_, response) => response.end('secret'));
    const world = await urlWorld(folder(), [], { 'rebound.example': ['127.0.0.1'] });
    await expect(world.fetch(`http://rebound.example:${server.port}/`)).rejects.toMatchObject(forbidden);
    expect(server.requests).toHaveLength(0);
  });

  it('a name is resolved once, and the connection made to just what was checked', async () => {
    const server = await servers.http((_, response) => response.end('file'));
    let asked = 0;
    const world = await urlWorld(folder(), ['allowed.example'], {
      get 'allowed.example'() {
        asked += 1;
        return asked === 1 ? ['127.0.0.1'] : ['169.254.169.254'];
      },
    });
    await world.fetch(`http://allowed.example:${server.port}/`);
    expect(asked).toBe(1);
    expect(server.requests[0]?.headers.host).toBe(`allowed.example:${server.port}`);
  });

  it.each([301, 302, 303, 307, 308])(
    'a redirect (%i) to a metadata address is not followed',
    async (status) => {
      const server = await servers.http((_, response) =>
        response.writeHead(status, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
      );
      const world = await urlWorld(folder());
      await expect(world.fetch(server.url)).rejects.toMatchObject(forbidden);
    },
  );

  it('an upload that is sent on to loopback is not followed', async () => {
    const inner = await servers.http((_, response) => response.end());
    const outer = await servers.http((_, response) =>
      response.writeHead(307, { location: `http://localhost:${inner.port}/` }).end(),
    );
    const world = await urlWorld(folder(), ['127.0.0.1/32', 'outer.example'], { localhost: ['::1'] });
    const delivery = { path: import.meta.filename, sizeBytes: 10, signal: new AbortController().signal };
    await expect(world.urls.deliver({ url: outer.url, ...delivery })).rejects.toMatchObject(forbidden);
    expect(inner.requests).toHaveLength(0);
  });

  it('redirects are followed, but not for ever, and take no password along', async () => {
    const target = await servers.http((_, response) => response.end('file'));
    const server = await servers.http((request, response) => {
      const left = Number(request.url?.slice(1));
      const location = left > 0 ? `/${left - 1}` : target.url.replace('//', '//someone:else@');
      response.writeHead(302, { location }).end();
    });
    const world = await urlWorld(folder());
    const url = `http://user:secret@127.0.0.1:${server.port}`;
    expect((await world.fetch(`${url}/4`)).sizeBytes).toBe(4);
    expect(server.requests.every(({ headers }) => headers.authorization !== undefined)).toBe(true);
    expect(target.requests[0]?.headers.authorization).toBeUndefined();
    await expect(world.fetch(`${url}/5`)).rejects.toMatchObject({ code: 'ERR_TRANSFER_REDIRECT' });
    await expect(world.fetch(`${url}/99`)).rejects.toMatchObject({ code: 'ERR_TRANSFER_REDIRECT' });
  });

  it.each(['file:///etc/passwd', 'gopher://127.0.0.1/', 'http://', undefined])(
    'a redirect to %s is an error',
    async (location) => {
      const server = await servers.http((_, response) =>
        response.writeHead(302, location === undefined ? {} : { location }).end(),
      );
      const world = await urlWorld(folder());
      await expect(world.fetch(server.url)).rejects.toMatchObject({ code: 'ERR_TRANSFER_REDIRECT' });
    },
  );
});
