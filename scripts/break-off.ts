/** Ends the script on a signal, or when nobody reads its output any more, once it has cleaned up. */
export function onBreakOff(cleanUp: () => Promise<void>): void {
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    void cleanUp().finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', end);
}
