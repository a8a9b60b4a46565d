import type { DebitNoteRecord } from '../../src/interface/index.ts';
import type { Page } from '../e2e/market-pair.ts';
import { agree, create, Held } from './held.ts';
import { ENDED_WELL, killProcess, restart, WHOLE } from './rounds.ts';
import { assertClean } from './sweep.ts';
import { judge } from './verdict.ts';
import type { RecoveryWorld } from './world.ts';

/** Kills at moments in which nothing can be held: each is met by what the journal or the books say just then. */
export const MOMENTS: Readonly<Record<string, (world: RecoveryWorld) => Promise<void>>> = {
  async 'of the provider’s daemon before it has noted the activity'(world) {
    const { node, name } = world.providerAt(0);
    const agreementId = await agree(world, name);
    await node.kill();
    const creating = create(world, agreementId, world.kit.packageHash);
    await node.launch();
    const held = Held.of(world, 'New', node, { agreementId, activityId: await creating });
    await held.finish();
    await judge(world, held, WHOLE);
    await assertClean(world, [held]);
  },

  async 'of the provider’s daemon while the activity is ending'(world) {
    await endWith(world, isEnding, (held) => restart([held.provider]));
  },

  async 'of the supervisor while the activity is ending'(world) {
    await endWith(world, isEnding, async (held) => killProcess(world.supervisorOf(held)));
  },

  async 'of both daemons when the activity has ended and is not yet billed'(world) {
    await endWith(world, hasEnded, (held) => restart([held.provider, world.requestor]));
  },

  async 'of the provider’s daemon when its last note is issued and nobody is there to take it'(world) {
    const held = await (await Held.create(world, 'Ready')).reach();
    await world.requestor.kill();
    const reason = { code: 'Provider', message: 'the provider closes' };
    await held.provider.call('POST', `/v1/agreements/${held.agreementId}/terminate`, { reason });
    await held.provider.until('the last note is issued', async () => {
      const path = `/v1/debit-notes?agreement=${held.agreementId}`;
      const { items } = await held.provider.call<Page<DebitNoteRecord>>('GET', path);
      return items.find(({ note }) => note.final);
    });
    await restart([held.provider, world.requestor]);
    await judge(world, held, { type: 'ended', state: 'Terminated', reason: 'Provider' });
    await assertClean(world, [held]);
  },
};

async function endWith(
  world: RecoveryWorld,
  moment: Parameters<Held['journal']>[0],
  kill: (held: Held) => Promise<void>,
): Promise<void> {
  const held = await (await Held.create(world, 'Ready')).reach();
  // Whether the answer still comes is of no interest.
  const ending = held.call('POST', 'terminate', {}).catch(() => undefined);
  await held.journal(moment);
  await kill(held);
  await ending;
  await held.end();
  await judge(world, held, ENDED_WELL);
  await assertClean(world, [held]);
}

const isEnding: Parameters<Held['journal']>[0] = (record) =>
  record.type === 'state' && record.pending === 'Completed';
const hasEnded: Parameters<Held['journal']>[0] = (record) =>
  record.type === 'state' && record.state === 'Completed';
