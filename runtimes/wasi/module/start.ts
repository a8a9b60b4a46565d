import { appendToSection, bytes, name, SECTION, type Section } from './binary.ts';

/** Exported from a prepared module: what it wants to be called when it is made, before `_start`. */
export const START_EXPORT = '__ergon_start';
const FUNCTION_KIND = 0;

/**
 * Turns a start function into an exported one. As a start function it would run before the host has the module's
 * memory, and before its fuel is set; nobody but the host calls anything in between, so the module sees no difference.
 */
export function exportStartFunction(sections: Section[]): void {
  const at = sections.findIndex(({ id }) => id === SECTION.START);
  const [start] = at === -1 ? [] : sections.splice(at, 1);
  if (start === undefined) return;
  const entry = [...name(START_EXPORT), FUNCTION_KIND, ...start.body];
  appendToSection(sections, SECTION.EXPORT, 1, bytes(...entry));
}
