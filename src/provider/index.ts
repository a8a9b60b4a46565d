export {
  providerControl,
  type Control,
  type ControlComponents,
  type ControlInit,
  type HeldActivities,
  type Machine,
  type ProviderMarket,
} from './control.ts';
export { providerModes } from './records.ts';
export { type Schedule } from './schedule.ts';
