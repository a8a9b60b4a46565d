export { exeUnitErrors, ExeUnitError, type ExeUnitErrorCode } from './errors.ts';
export { exeUnits, type ExeUnitsComponents, type ExeUnitsInit, type LocalExeUnits } from './exe-units.ts';
export {
  runtimeRegistry,
  type RuntimeRegistry,
  type RuntimeRegistryComponents,
  type RuntimeRegistryInit,
  type RuntimeReport,
} from './registry.ts';
