export { NetworkError, networkErrors, type NetworkErrorCode } from './errors.ts';
export { memoryNetwork, type Fault, type FaultRule, type MemoryHub, type MemoryMessage } from './memory.ts';
export { addressOfPeerId, peerIdOfPrivateKey } from './peer-id.ts';
export { DEFAULT_LIMITS, type Libp2pInit, type NetworkLimits } from './libp2p/init.ts';
export { libp2pNetwork, type Libp2pComponents } from './libp2p/network.ts';
export {
  outboxDispatcher,
  type OutboxDispatcher,
  type OutboxDispatcherComponents,
  type OutboxDispatcherInit,
} from './outbox-dispatcher.ts';
