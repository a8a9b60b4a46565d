import type { Command } from 'commander';
import { ConfigReload, ProviderStatus, type ProviderMode } from '../../interface/index.ts';
import type { Commands } from '../command.ts';
import { time } from '../format.ts';
import type { Session } from '../session.ts';
import { fields } from '../table.ts';

const MODES: Readonly<Record<ProviderMode, string>> = {
  run: 'sell: offers go out, and what was paused goes on',
  pause: 'stop selling, and suspend all that runs, until `provider run`',
  drain: 'take no new agreements; those in force go on to their end',
};

/** The operator's hold on what the node sells. All but `reload` is remembered over restarts. */
export function providerCommands(group: Command, commands: Commands): void {
  for (const [word, mode] of [
    ['run', 'run'],
    ['pause', 'pause'],
    ['drain', 'drain'],
  ] as const) {
    const examples = [[`provider ${word}`, MODES[mode]]] as const;
    commands.add(
      group,
      { usage: word, summary: MODES[mode], examples },
      () => undefined,
      async (session) => {
        await show(session, await setMode(session, mode));
        return undefined;
      },
    );
  }
  undrainCommand(group, commands);
  commands.add(
    group,
    {
      usage: 'status',
      summary: 'whether the node sells, and what is under way',
      examples: [['provider status', 'mode, offers, agreements, activities']],
    },
    () => undefined,
    async (session) => {
      await show(session, await status(session));
      return undefined;
    },
  );
  reloadCommand(group, commands);
}

function undrainCommand(group: Command, commands: Commands): void {
  commands.add(
    group,
    {
      usage: 'undrain',
      summary: 'sell again after `drain`; nothing else changes',
      examples: [['provider undrain', 'a paused provider stays paused']],
    },
    () => undefined,
    async (session) => {
      const now = await status(session);
      await show(session, now.mode === 'drain' ? await setMode(session, 'run') : now);
      return undefined;
    },
  );
}

function reloadCommand(group: Command, commands: Commands): void {
  commands.add(
    group,
    {
      usage: 'reload',
      summary: 'have the daemon read its configuration again, as SIGHUP does',
      examples: [['provider reload', 'after presets, prices, lists, caps or the schedule were edited']],
    },
    () => undefined,
    async (session) => {
      const outcome = await (await session.client()).post('/v1/provider/reload', ConfigReload);
      await session.print(outcome, () =>
        outcome.applied.length === 0 ? 'Nothing changed.' : `In force now: ${outcome.applied.join(', ')}`,
      );
      if (outcome.restartNeeded.length > 0) {
        await session.note(
          `Changed too, but in force only after a restart: ${outcome.restartNeeded.join(', ')}`,
        );
      }
      if (outcome.applied.length > 0) {
        const { presetNotes } = await status(session);
        for (const { preset, note } of presetNotes) await session.note(`preset ${preset}: ${note}`);
      }
      return undefined;
    },
  );
}

async function status(session: Session): Promise<ProviderStatus> {
  return (await session.client()).get('/v1/provider', ProviderStatus);
}

async function setMode(session: Session, mode: ProviderMode): Promise<ProviderStatus> {
  return (await session.client()).post('/v1/provider', ProviderStatus, { mode });
}

async function show(session: Session, now: ProviderStatus): Promise<void> {
  const { mode, effective, changedAt, reason, offers, soldOut, presetNotes, agreements, activities } = now;
  const states = Object.entries(activities).map(([state, count]) => `${count} ${state}`);
  await session.print(now, () =>
    fields(session.io.stdout, [
      ['mode', changedAt === undefined ? mode : `${mode} (since ${time(changedAt)})`],
      ['in force', effective === mode ? undefined : effective],
      ['because', reason && `${reason.code}: ${reason.message}`],
      ['offers', soldOut ? `${offers}: no room for another agreement now` : String(offers)],
      ...presetNotes.map(({ preset, note }): [string, string] => [`preset ${preset}`, note]),
      ['agreements', mode === 'drain' && agreements === 0 ? '0: drained' : String(agreements)],
      ['activities', states.length === 0 ? '0' : states.join(', ')],
    ]),
  );
}
