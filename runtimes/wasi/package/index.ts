export { preparePackage, type PackageInit, type Program, type WasiPackage } from './package.ts';
export { loadOrder } from './load-order.ts';
export { guestViewOf, makeMountPoints, preopensOf, TMP, withVolumes } from './preopens.ts';
