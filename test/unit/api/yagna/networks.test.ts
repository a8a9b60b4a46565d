import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContractWatch } from '../../../support/yagna-contract.ts';
import { REQUESTOR } from '../support/samples.ts';
import { yagnaWorld, type YagnaWorld } from './support/yagna-world.ts';

const OTHER = `0x${'b'.repeat(40)}`;

describe('networks over REST', () => {
  let world: YagnaWorld;
  const watch = new ContractWatch();
  beforeAll(async () => {
    world = await yagnaWorld();
  });
  afterAll(() => world.stop());

  const call = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => {
    const url = `/net-api/v2/vpn${path}`;
    const answer = await world.request(method, url, body);
    const type = String(answer.headers['content-type']);
    watch.check(method, url, { status: answer.statusCode, type, body: answer.body });
    return { status: answer.statusCode, body: answer.json<unknown>() };
  };

  it('are made, filled, emptied and removed, under both of their prefixes', async () => {
    const made = await world.request('POST', '/net-api/v1/net', { ip: '192.168.0.0', mask: '255.255.255.0' });
    const { id } = made.json<{ id: string }>();
    const network = { id, ip: '192.168.0.0', mask: '255.255.255.0' };
    expect(await call('GET', '/net')).toEqual({ status: 200, body: [network] });
    expect(await call('GET', `/net/${id}`)).toEqual({ status: 200, body: network });
    const second = await call('POST', '/net', { ip: '10.0.0.0/16', gateway: '10.0.0.1' });
    expect(second).toMatchObject({ status: 200, body: { mask: '255.255.0.0', gateway: '10.0.0.1' } });

    // As golem-js adds its own node, and as the specification has it.
    expect((await call('POST', `/net/${id}/nodes`, { id: REQUESTOR, ip: '192.168.0.1' })).status).toBe(200);
    expect((await call('POST', `/net/${id}/addresses`, { ip: '192.168.0.9' })).status).toBe(200);
    expect((await call('POST', `/net/${id}/nodes`, { id: OTHER, ip: '192.168.0.2' })).status).toBe(200);
    expect((await call('POST', `/net/${id}/nodes`, { id: OTHER, ip: '192.168.0.2' })).status).toBe(200);
    expect((await call('GET', `/net/${id}/addresses`)).body).toEqual([
      { ip: '192.168.0.1' },
      { ip: '192.168.0.9' },
    ]);
    expect((await call('GET', `/net/${id}/nodes`)).body).toContainEqual({ id: OTHER, ip: '192.168.0.2' });
    expect(await call('GET', `/net/${id}/tcp`)).toEqual({ status: 200, body: [] });

    expect((await call('DELETE', `/net/${id}/nodes/${OTHER}`)).status).toBe(200);
    expect((await call('DELETE', `/net/${id}/nodes/${OTHER}`)).status).toBe(404);
    expect((await call('DELETE', `/net/${id}`)).status).toBe(200);
    expect((await call('DELETE', `/net/${id}`)).status).toBe(404);
  });

  it('are refused where they cannot be, with the reason', async () => {
    const { body } = await call('POST', '/net', { ip: '192.168.0.0/24' });
    const { id } = body as { id: string };
    const refused = async (path: string, given: object, status: number, reason: RegExp): Promise<void> => {
      const answer = await call('POST', path, given);
      expect(answer).toEqual({ status, body: { message: expect.stringMatching(reason) as string } });
    };
    await refused('/net', { ip: '192.168.0.300' }, 400, /no IPv4 address/);
    await refused('/net', { ip: '127.0.0.0/8' }, 400, /reserved/);
    await refused('/net', {}, 400, /ip/);
    await refused(`/net/${id}/nodes`, { id: 'me', ip: '192.168.0.2' }, 400, /no id of a node/);
    await refused(`/net/${id}/nodes`, { id: OTHER, ip: '192.168.1.2' }, 400, /no address of a node/);
    await refused('/net/nowhere/nodes', { id: OTHER, ip: '192.168.0.2' }, 404, /no network/);
    await call('POST', `/net/${id}/addresses`, { ip: '192.168.0.1' });
    await refused(`/net/${id}/nodes`, { id: OTHER, ip: '192.168.0.1' }, 409, /is the address of/);
    expect((await call('GET', `/net/${id}/tcp/192.168.0.2/80`)).body).toEqual({
      message: expect.stringMatching(/websocket/) as string,
    });
    for (const id of ['nowhere', '%00', 'x'.repeat(256)])
      expect((await call('GET', `/net/${id}/tcp/192.168.0.2/80`)).status).toBe(404);
  });

  it('answer as the specification says', () => {
    expect([...watch.findings.values()]).toEqual([]);
  });
});
