import type { DocumentKind } from '../../../src/interface/identity.ts';
import { testIdentity } from '../../support/identities.ts';

const provider = testIdentity('documents provider');
const requestor = testIdentity('documents requestor');
const HEX = 'ab'.repeat(32);
const NOW = 1_800_000_000_000;
const SIGNATURE = `0x${'11'.repeat(65)}`;

const offer = {
  offerId: 'offer-1',
  provider: provider.address,
  peerId: provider.peerId,
  multiaddrs: ['/ip4/192.0.2.1/tcp/4510'],
  properties: { 'ergon.runtime.name': 'wasi', 'ergon.cpu.threads': 4, list: ['a', true, 0.5] },
  constraints: '(a>=1)',
  createdAt: NOW,
  expiresAt: NOW + 1,
};

const agreement = {
  agreementId: 'agreement-1',
  requestor: requestor.address,
  provider: provider.address,
  offer: { ...offer, signature: SIGNATURE },
  demand: {
    demandId: 'demand-1',
    requestor: requestor.address,
    peerId: requestor.peerId,
    properties: { x: 'y' },
    constraints: '',
    createdAt: NOW,
    expiresAt: NOW + 2,
  },
  terms: {
    runtime: 'wasi',
    resources: { cpuThreads: 1, memoryBytes: 1024, storageBytes: 2048 },
    pricing: {
      model: 'linear',
      platform: 'ledger',
      counters: ['cpu', 'wall'],
      coefficients: ['100', '5'],
      startPrice: '340282366920938463463374607431768211455',
    },
    debitNoteIntervalMs: 120_000,
    debitNoteAcceptTimeoutMs: 60_000,
    paymentTimeoutMs: 60_000,
    idleTimeoutMs: 60_000,
    maxOutputBytes: 1_000_000,
  },
  createdAt: NOW,
  approveBy: NOW + 3,
  expiresAt: NOW + 4,
};

const reason = {
  code: 'LimitExceeded',
  message: 'too much',
  detail: { limit: 'memory', bytes: 5, hard: true },
};

/** One document of each kind, with every optional member, without its signature. */
export const DOCUMENTS: Readonly<Record<DocumentKind, object>> = {
  Offer: offer,
  Agreement: agreement,
  Termination: { agreementId: 'agreement-1', by: 'provider', reason, at: NOW },
  DebitNote: {
    debitNoteId: 'note-1',
    agreementId: 'agreement-1',
    activityId: 'activity-1',
    sequence: 3,
    final: false,
    platform: 'ledger',
    issuer: provider.address,
    recipient: requestor.address,
    usage: { cpu: '1000000000', wall: '2' },
    samples: { last: 7, hash: `0x${HEX}` },
    totalAmountDue: '123456789012345678901234567890',
    createdAt: NOW,
  },
  DebitNoteDecision: { billId: 'note-1', decision: 'Rejected', amount: '1', reason, at: NOW },
  Invoice: {
    invoiceId: 'invoice-1',
    agreementId: 'agreement-1',
    platform: 'ledger',
    issuer: provider.address,
    recipient: requestor.address,
    activities: [
      { activityId: 'activity-1', debitNoteId: 'note-1', amount: '1' },
      { activityId: 'activity-2', debitNoteId: 'note-2', amount: '2' },
    ],
    amount: '3',
    createdAt: NOW,
    paymentDueAt: NOW + 5,
  },
  InvoiceDecision: { billId: 'note-1', decision: 'Rejected', amount: '1', reason, at: NOW },
  LedgerPayment: {
    paymentId: 'payment-1',
    platform: 'ledger',
    payer: requestor.address,
    payee: provider.address,
    invoiceId: 'invoice-1',
    agreementId: 'agreement-1',
    amount: '3',
    sequence: 2,
    cumulative: '9',
    createdAt: NOW,
  },
  PaymentReceipt: {
    paymentId: 'payment-1',
    platform: 'ledger',
    payer: requestor.address,
    payee: provider.address,
    sequence: 2,
    cumulative: '9',
    at: NOW,
  },
};

export const KINDS = Object.keys(DOCUMENTS) as DocumentKind[];
