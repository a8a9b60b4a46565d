import { widthOf, type Output } from './io.ts';

/** One line that says what is going on, for people only. */
export interface Progress {
  say(text: string): void;
  /** Takes the line away, so that other output can come. */
  clear(): void;
}

/** A spinner on a terminal; nothing into a file or pipe, for programs, or without a width, where ora never ends. */
export async function progress(stderr: Output, json: boolean): Promise<Progress> {
  if (json || stderr.isTTY !== true || widthOf(stderr) === undefined)
    return { say: () => undefined, clear: () => undefined };
  const { default: ora } = await import('ora');
  // NO_COLOR is among what Node looks at here.
  const plain = stderr.hasColors?.() !== true;
  const spinner = ora({
    stream: stderr,
    discardStdin: false,
    hideCursor: false,
    ...(plain && { color: false as const }),
  });
  return {
    say: (text) => {
      spinner.text = text;
      if (!spinner.isSpinning) spinner.start();
    },
    clear: () => void spinner.stop(),
  };
}
