export type { WireError } from './answer.ts';
export { NetworkError, networkErrors, type NetworkErrorCode } from './errors.ts';
export { memoryNetwork, type Fault, type FaultRule, type MemoryHub, type MemoryMessage } from './memory.ts';
export { addressOfPeerId, peerIdOfPrivateKey } from './peer-id.ts';
