export { logger, type LoggerComponents, type LoggerInit } from './logger.ts';
export { metrics, type MetricsInit, type MetricsRegistry } from './metrics.ts';
