import { describe, expect, it } from 'vitest';
import { isFinalTaskState, TASK_STATES } from '../../../src/interface/index.ts';
import { transition, TASK_TRANSITIONS } from '../../../src/task/machine.ts';

describe('task state machine', () => {
  for (const from of TASK_STATES) {
    for (const to of TASK_STATES) {
      const legal = TASK_TRANSITIONS[from].includes(to);
      it(`${from} → ${to} is ${legal ? 'taken' : 'refused'}`, () => {
        if (legal) expect(transition(from, to)).toBe(to);
        else expect(() => transition(from, to)).toThrow(`a task that is ${from} cannot become ${to}`);
      });
    }
  }

  it('ends in three states and in no other', () => {
    const final = TASK_STATES.filter((state) => TASK_TRANSITIONS[state].length === 0);
    expect(final).toEqual(['Succeeded', 'Failed', 'Canceled']);
    expect(TASK_STATES.filter(isFinalTaskState)).toEqual(final);
  });
});
