import type { Routes } from '../../route.ts';
import { activityRoutes } from './activities.ts';
import { activityBatchRoutes } from './activity-batches.ts';
import { activityCommandRoutes } from './activity-commands.ts';
import { activityHoldRoutes } from './activity-holds.ts';
import { activityLogRoutes } from './activity-logs.ts';
import { activityOutputRoutes } from './activity-outputs.ts';
import { agreementRoutes } from './agreements.ts';
import { appKeyRoutes } from './app-keys.ts';
import { billRoutes } from './bills.ts';
import { blobRoutes } from './blobs.ts';
import { eventRoutes } from './events.ts';
import { nodeRoutes } from './node.ts';
import { offerRoutes } from './offers.ts';
import { packageRoutes } from './packages.ts';
import { providerRoutes } from './provider.ts';
import { taskEventRoutes } from './task-events.ts';
import { taskLogRoutes } from './task-logs.ts';
import { taskResultRoutes } from './task-results.ts';
import { taskRoutes } from './tasks.ts';

/** All of `/v1`. */
export const v1Routes: readonly Routes[] = [
  packageRoutes,
  blobRoutes,
  taskRoutes,
  taskLogRoutes,
  taskResultRoutes,
  taskEventRoutes,
  offerRoutes,
  agreementRoutes,
  activityRoutes,
  activityCommandRoutes,
  activityBatchRoutes,
  activityHoldRoutes,
  activityLogRoutes,
  activityOutputRoutes,
  billRoutes,
  nodeRoutes,
  providerRoutes,
  eventRoutes,
  appKeyRoutes,
];
