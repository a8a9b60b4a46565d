/** What to do about an error of any part, also where no daemon runs that could say it. */
export { remedyOf } from '../api/remedies.ts';
