export {
  providerControl,
  type Control,
  type ControlComponents,
  type ControlInit,
  type HeldActivities,
  type Machine,
  type Shop,
} from './control.ts';
export { providerModes } from './records.ts';
export { type Schedule } from './schedule.ts';
