import type { RouteContext } from '../../route.ts';
import type { YagnaParts } from '../../yagna-parts.ts';

/** What the routes of the Yagna-compatible API work with. */
export type YagnaContext = Omit<RouteContext, 'yagna' | 'blobs'> & YagnaParts;
