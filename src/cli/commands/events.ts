import type { Command } from 'commander';
import { Type, type Static } from 'typebox';
import { Timestamp } from '../../interface/index.ts';
import { checker } from '../../util/check.ts';
import type { Commands } from '../command.ts';
import { eventStream } from '../event-stream.ts';
import { safe, time } from '../format.ts';
import { parseCount } from '../parse.ts';
import type { Session } from '../session.ts';

const EventLine = Type.Object({
  seq: Type.Integer(),
  at: Timestamp,
  type: Type.String(),
  subject: Type.String(),
  data: Type.Unknown(),
});
type EventLine = Static<typeof EventLine>;
const EventPage = Type.Object({ items: Type.Array(EventLine), next: Type.Integer() });
/** The most that the API gives at once. */
const PAGE = 500;
const checkEvent = checker(EventLine, 'event');

interface EventFlags {
  readonly follow?: boolean;
  readonly after?: number;
  readonly limit: number;
  readonly type?: string;
  readonly subject?: string;
}

export function eventsCommand(root: Command, commands: Commands, summary: string): void {
  commands.add<EventFlags>(
    root,
    {
      usage: 'events',
      summary,
      examples: [
        ['events -f', 'from now on'],
        ['events --subject ID', 'the life of one task, agreement or activity'],
        ['events --after 0 --type invoice.settled,agreement.approved --json', 'of some types, for programs'],
      ],
    },
    (command) =>
      command
        .option('-f, --follow', 'go on with what comes')
        .option(
          '--after <seq>',
          'events after this number (default: the first, or from now with -f)',
          parseCount,
        )
        .option('--limit <count>', 'show at most so many', parseCount, 500)
        .option('--type <types>', 'only these types, by comma')
        .option('--subject <id>', 'only of this task, agreement, activity …'),
    async (session, _args, { follow, after, limit, type, subject }) => {
      const client = await session.client();
      const query: Record<string, string | number | undefined> = { after, type, subject };
      if (follow === true) {
        for await (const { data } of eventStream(client, '/v1/events', session.io, { query })) {
          await show(session, checkEvent(JSON.parse(data)));
        }
        return undefined;
      }
      let page: Static<typeof EventPage>;
      let left = limit;
      do {
        page = await client.get('/v1/events', EventPage, { ...query, limit: Math.min(left, PAGE) });
        for (const event of page.items) await show(session, event);
        query['after'] = page.next;
        left -= page.items.length;
      } while (page.items.length === PAGE && left > 0);
      if (left === 0) await session.note(`Later ones: ergon events --after ${page.next}`);
      return undefined;
    },
  );
}

async function show(session: Session, event: EventLine): Promise<void> {
  if (session.json) return session.line(JSON.stringify(event));
  const { seq, at, type, subject, data } = event;
  const columns = session.io.stdout.columns ?? Infinity;
  const text = safe(
    `${String(seq).padStart(6)}  ${time(at)}  ${type.padEnd(28)}  ${subject}  ${JSON.stringify(data)}`,
  );
  return session.line(text.length > columns ? `${text.slice(0, columns - 1)}…` : text);
}
