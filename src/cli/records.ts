import { Type } from 'typebox';
import * as records from '../interface/index.ts';

// The schemas of records, with the narrower types that code knows them by.
export const ActivityRecord = Type.Unsafe<records.ActivityRecord>(records.ActivityRecord);
export type ActivityRecord = records.ActivityRecord;
export const AgreementRecord = Type.Unsafe<records.AgreementRecord>(records.AgreementRecord);
export type AgreementRecord = records.AgreementRecord;
export const DebitNoteRecord = Type.Unsafe<records.DebitNoteRecord>(records.DebitNoteRecord);
export type DebitNoteRecord = records.DebitNoteRecord;
export const InvoiceRecord = Type.Unsafe<records.InvoiceRecord>(records.InvoiceRecord);
export type InvoiceRecord = records.InvoiceRecord;
