/**
 * Removes what a part of the node need not keep of things that were over before `before` (ms since the epoch); what is
 * open is never touched, however old it is. It takes its time: between any two steps it awaits `breathe`, which rejects
 * when the node stops. A kill between two steps leaves the rest for the next time. Returns how many things it forgot.
 */
export type Forget = (before: number, breathe: () => Promise<void>) => Promise<number>;
