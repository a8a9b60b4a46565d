/**
 * Names of the properties that more than one part reads or writes. `golem.*` are Yagna's, with its meaning and type,
 * so that its clients' constraints fit our offers; `ergon.*` are ours: exact where Yagna's are rounded, or new.
 * `<p>` in a comment is a payment platform.
 */
export const PROPERTY = {
  /** `linear`. */
  pricingModel: 'golem.com.pricing.model',
  /** Counter names, in the order of the coefficients. */
  usageVector: 'golem.com.usage.vector',
  /** Tokens per unit of each counter, then the start price; decimal strings (Yagna's own list holds floats). */
  linearCoefficients: 'golem.com.pricing.model.linear.coeffs@d',
  /** Offer: true when usage counts from the deployment on; otherwise deploying costs nothing. */
  deploymentBilled: 'ergon.com.pricing.deployment-billed',
  paymentScheme: 'golem.com.scheme',
  paymentProtocolVersion: 'golem.com.payment.protocol.version',
  /** Demand: the platform to pay on; needed when an offer names several. */
  chosenPlatform: 'golem.com.payment.chosen-platform',
  /** Negotiable, seconds. In a demand what is wished; in an offer what holds when the demand does not say. */
  debitNoteIntervalSec: 'golem.com.scheme.payu.debit-note.interval-sec?',
  debitNoteAcceptTimeoutSec: 'golem.com.payment.debit-notes.accept-timeout?',
  paymentTimeoutSec: 'golem.com.scheme.payu.payment-timeout-sec?',
  /** Offer: the bounds within which the provider agrees to a wish, seconds. */
  debitNoteIntervalMinSec: 'ergon.com.payment.debit-note.interval-sec.min',
  debitNoteIntervalMaxSec: 'ergon.com.payment.debit-note.interval-sec.max',
  debitNoteAcceptTimeoutMinSec: 'ergon.com.payment.debit-note.accept-timeout-sec.min',
  debitNoteAcceptTimeoutMaxSec: 'ergon.com.payment.debit-note.accept-timeout-sec.max',
  paymentTimeoutMinSec: 'ergon.com.payment.timeout-sec.min',
  paymentTimeoutMaxSec: 'ergon.com.payment.timeout-sec.max',

  nodeName: 'golem.node.id.name',
  subnet: 'golem.node.debug.subnet',

  runtimeName: 'golem.runtime.name',
  runtimeVersion: 'golem.runtime.version@v',
  runtimeCapabilities: 'golem.runtime.capabilities',

  cpuArchitecture: 'golem.inf.cpu.architecture',
  cpuCores: 'golem.inf.cpu.cores',
  cpuThreads: 'golem.inf.cpu.threads',
  memoryGib: 'golem.inf.mem.gib',
  storageGib: 'golem.inf.storage.gib',
  /** Offer: the most that one agreement may hold, exact. */
  memoryBytes: 'ergon.inf.mem.bytes',
  storageBytes: 'ergon.inf.storage.bytes',
  /** Offer: what an agreement holds when its demand does not say. */
  cpuThreadsMin: 'ergon.inf.cpu.threads.min',
  memoryBytesMin: 'ergon.inf.mem.bytes.min',
  storageBytesMin: 'ergon.inf.storage.bytes.min',
  /** Offer: stdout and stderr of an activity are kept up to this many bytes each. */
  maxOutputBytes: 'ergon.inf.output.bytes.max',
  /** Offer: an agreement without a live activity ends after this long. */
  idleTimeoutSec: 'ergon.srv.agreement.idle-timeout-sec',
  /** Offer: the preset that it was made of. */
  preset: 'ergon.srv.preset',
  /** An offer that says true is withdrawn. */
  withdrawn: 'ergon.offer.withdrawn',

  /** Offer: agreements may have a network. Demand: this one is to have it; without the property it has none. */
  network: 'ergon.srv.network',
  multiActivity: 'golem.srv.caps.multi-activity',
  transferProtocols: 'golem.activity.caps.transfer.protocol',

  /** Demand: when the work ends at the latest, ms since the epoch. */
  expiration: 'golem.srv.comp.expiration',
  taskPackage: 'golem.srv.comp.task_package',
  /** Demand: what to reserve; the offer's minimum without it. */
  requestedCpuThreads: 'ergon.srv.resources.cpu.threads',
  requestedMemoryBytes: 'ergon.srv.resources.memory.bytes',
  requestedStorageBytes: 'ergon.srv.resources.storage.bytes',
} as const;

/** The provider's (or requestor's) address on the platform `<p>`. */
export const platformAddressProperty = (platform: string): string =>
  `golem.com.payment.platform.${platform}.address`;
/** The power of ten of smallest units in the platform's token: what turns token prices into amounts. */
export const platformDecimalsProperty = (platform: string): string =>
  `ergon.com.payment.platform.${platform}.decimals`;
