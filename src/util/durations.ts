/** In milliseconds; of 24 hours, whatever a calendar says. */
export const DAY_MS = 24 * 3600 * 1000;
