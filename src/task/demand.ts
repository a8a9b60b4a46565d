import {
  COUNTER,
  FUEL_COUNTER,
  platformAddressProperty,
  PROPERTY,
  type AgreementRequest,
  type TaskSpec,
} from '../interface/index.ts';

const NANO_PER_MS = 1_000_000n;
const OFFER_WAIT_MS = 30_000;
/** No machine does more; what a compiler does away with counts too, so that it is well above what one really does. */
const MAX_FUEL_PER_NS = 10n;
const NANO = 1_000_000_000n;
const GIB = 1n << 30n;

/** What a task asks of the market: its resources, its runtime, its platform, and a price that its budget covers. */
export function demandOf(
  spec: TaskSpec,
): Pick<AgreementRequest, 'properties' | 'constraints' | 'expectedUsage' | 'maxPrice' | 'waitMs'> {
  return {
    properties: {
      [PROPERTY.requestedCpuThreads]: spec.limits.cpuThreads,
      [PROPERTY.requestedMemoryBytes]: spec.limits.memoryBytes,
      [PROPERTY.requestedStorageBytes]: spec.limits.storageBytes,
      ...(spec.network === true && { [PROPERTY.network]: true }),
      [PROPERTY.chosenPlatform]: spec.platform,
      [PROPERTY.taskPackage]: spec.image === undefined ? `hash:${spec.package}` : `docker://${spec.image}`,
    },
    constraints: constraintsOf(spec),
    expectedUsage: worstUsage(spec),
    maxPrice: spec.budget,
    waitMs: OFFER_WAIT_MS,
  };
}

function constraintsOf(spec: TaskSpec): string {
  const own = [
    `(${PROPERTY.runtimeName}=${spec.runtime})`,
    `(${PROPERTY.pricingModel}=linear)`,
    `(${PROPERTY.cpuThreads}>=${spec.limits.cpuThreads})`,
    `(${PROPERTY.memoryBytes}>=${spec.limits.memoryBytes})`,
    `(${PROPERTY.storageBytes}>=${spec.limits.storageBytes})`,
    ...(spec.network === true ? [`(${PROPERTY.network}=true)`] : []),
    `(${platformAddressProperty(spec.platform)}=*)`,
  ];
  const further = spec.constraints.trim();
  const bare = further !== '' && !further.startsWith('(');
  return `(&${own.join('')}${bare ? `(${further})` : further})`;
}

/**
 * The most that the limits let a task use. A price is only agreed to when even this is within the budget, so that no
 * honest bill has to be refused for want of money. Network traffic alone has no limit but the budget itself.
 */
function worstUsage(spec: TaskSpec): Readonly<Record<string, string>> {
  const durationNs = BigInt(spec.limits.wallTimeMs) * NANO_PER_MS;
  return {
    [COUNTER.duration]: durationNs.toString(),
    [COUNTER.cpu]: cpuNsOf(spec).toString(),
    ...worstSpace(COUNTER.memory, COUNTER.memoryPeak, spec.limits.memoryBytes, durationNs),
    ...worstSpace(COUNTER.storage, COUNTER.storagePeak, spec.limits.storageBytes, durationNs),
    [FUEL_COUNTER]: (BigInt(fuelLimitOf(spec)) * NANO).toString(),
  };
}

/** The whole amount, in use for the whole time. */
function worstSpace(
  overTime: string,
  peak: string,
  bytes: number,
  durationNs: bigint,
): Readonly<Record<string, string>> {
  const inGib = (amount: bigint): string => ((amount * BigInt(bytes) + GIB - 1n) / GIB).toString();
  return { [overTime]: inGib(durationNs), [peak]: inGib(NANO) };
}

function cpuNsOf({ limits: { wallTimeMs, cpuTimeMs, cpuThreads } }: TaskSpec): bigint {
  return cpuTimeMs === undefined
    ? BigInt(wallTimeMs) * NANO_PER_MS * BigInt(cpuThreads)
    : BigInt(cpuTimeMs) * NANO_PER_MS;
}

/** What a task may use where fuel has a price: it must have a bound, or no budget could be sure to cover the bill. */
export function fuelLimitOf(spec: TaskSpec): number {
  const most = cpuNsOf(spec) * MAX_FUEL_PER_NS;
  return spec.limits.fuel ?? Number(most < Number.MAX_SAFE_INTEGER ? most : Number.MAX_SAFE_INTEGER);
}
