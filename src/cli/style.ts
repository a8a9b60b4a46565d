import { styleText } from 'node:util';
import type { Output } from './io.ts';

/** Colours only on a terminal, and not when NO_COLOR is set: Node's own styleText looks at both. */
export function style(output: Output, format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: output, validateStream: true });
}
