import {
  platformAddressProperty,
  PROPERTY,
  type AgreementRequest,
  type TaskSpec,
} from '../interface/index.ts';

const NANO_PER_MS = 1_000_000n;
const OFFER_WAIT_MS = 30_000;

/** What a task asks of the market: its resources, its runtime, its platform, and a price that its budget covers. */
export function demandOf(
  spec: TaskSpec,
): Pick<AgreementRequest, 'properties' | 'constraints' | 'expectedUsage' | 'maxPrice' | 'waitMs'> {
  return {
    properties: {
      [PROPERTY.requestedCpuThreads]: spec.limits.cpuThreads,
      [PROPERTY.requestedMemoryBytes]: spec.limits.memoryBytes,
      [PROPERTY.requestedStorageBytes]: spec.limits.storageBytes,
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
    `(${platformAddressProperty(spec.platform)}=*)`,
  ];
  const further = spec.constraints.trim();
  const bare = further !== '' && !further.startsWith('(');
  return `(&${own.join('')}${bare ? `(${further})` : further})`;
}

/**
 * The most that the limits let a task use. A price is only agreed to when even this is within the budget, so that no
 * honest bill has to be refused for want of money.
 */
function worstUsage(spec: TaskSpec): Readonly<Record<string, string>> {
  const { wallTimeMs, cpuTimeMs, cpuThreads } = spec.limits;
  const durationNs = BigInt(wallTimeMs) * NANO_PER_MS;
  const cpuNs = cpuTimeMs === undefined ? durationNs * BigInt(cpuThreads) : BigInt(cpuTimeMs) * NANO_PER_MS;
  return { 'golem.usage.duration_sec': durationNs.toString(), 'golem.usage.cpu_sec': cpuNs.toString() };
}
