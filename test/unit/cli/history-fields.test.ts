import { expect, it } from 'vitest';
import { historyFields } from '../../../src/cli/history-fields.ts';

const states = (count: number): { state: string; at: number }[] =>
  Array.from({ length: count }, (_, at) => ({ state: `S${at}`, at }));

it('shows each state on a line, the first with the name of the field', () => {
  expect(historyFields(states(24)).map(([name]) => name)).toEqual(['history', ...Array<string>(23).fill('')]);
});

it('leaves out the middle of a long history, and says so', () => {
  const lines = historyFields(states(256)).map(([, line]) => line);
  expect(lines).toHaveLength(25);
  expect(lines[7]).toMatch(/ S7$/);
  expect(lines[8]).toBe('… 232 more (--json shows them)');
  expect(lines[9]).toMatch(/ S240$/);
});

it('says nothing of a record without one', () => {
  expect(historyFields()).toEqual([]);
});
