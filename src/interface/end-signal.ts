/** Why this process is to end: a signal, or that nobody reads its output any more. */
export type EndSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGPIPE';

/** Calls the listener at each of them, instead of ending the process, until the function that it gives is called. */
export type OnEnd = (listener: (signal: EndSignal) => void) => () => void;
