import type { ErrorRecord } from '../errors.ts';
import type {
  Appended,
  MessageStore,
  NewMessage,
  Part,
  PartChange,
  PartName,
  QueuedStatus,
  Reader,
  Settlement,
} from '../store/message-store.ts';

export interface StoreHarness extends AsyncDisposable {
  /** The store as it is open now. */
  readonly store: MessageStore;
  /** Closes it, and opens it again on what it kept. */
  reopen(): Promise<MessageStore>;
}

/** What a store under test is opened with. */
export interface StoreHarnessOptions {
  readonly now: () => number;
  readonly maxBacklogBytes?: number;
  readonly timeZone?: string;
}

export type OpenStore = (options: StoreHarnessOptions) => Promise<StoreHarness>;

export const start = Date.UTC(2026, 0, 1);
export const channel = 'adt';
export const analyst: Reader = { actor: 'a.analyst', reason: 'checking a result', ticket: 'T-1' };
export const refused: ErrorRecord = {
  code: 'reply-negative',
  kind: 'permanent',
  scope: 'message',
  message: 'writing: AE',
};
export const undecodable: ErrorRecord = {
  code: 'decode-failed',
  kind: 'permanent',
  scope: 'message',
  message: 'decoding',
};

let serial = 0;

export function newId(): string {
  return `01910000-0000-7000-8000-${(++serial).toString(16).padStart(12, '0')}`;
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes);
}

export function newMessage(fields: Partial<NewMessage> = {}): NewMessage {
  return { id: newId(), raw: bytesOf('MSH|raw'), meta: {}, receivedAt: start, ...fields };
}

export function seqOf(appended: Appended | undefined): number {
  if (!appended || !('seq' in appended)) throw new Error('it was taken for a duplicate');
  return appended.seq;
}

/** Appends one message and resolves with its seq. */
export async function appendOne(store: MessageStore, fields: Partial<NewMessage> = {}, to = channel): Promise<number> {
  const [appended] = await store.append(to, [newMessage(fields)]);
  return seqOf(appended);
}

export function settlement(seq: number, parts: readonly Part[], fields: Partial<Settlement> = {}): Settlement {
  return { seq, version: 'v1', content: 'full', parts, ...fields };
}

export function sentPart(destination: string, n = 0): Extract<Part, { readonly status: 'sent' }> {
  return { destination, n, status: 'sent', sentAt: start + 5, attempts: 1 };
}

export function filteredPart(destination: string, n = 0): Part {
  return { destination, n, status: 'filtered' };
}

export function errorPart(
  destination: string,
  fields: { readonly bytes?: Uint8Array; readonly reply?: Uint8Array } = {},
): Part {
  return { destination, n: 0, status: 'error', error: refused, attempts: 2, keys: ['k'], ...fields };
}

export function queuedPart(
  destination: string,
  queued: QueuedStatus,
  keys: readonly string[] = ['k'],
  fields: { readonly n?: number; readonly bytes?: Uint8Array; readonly retryAt?: number } = {},
): Part {
  return { destination, n: 0, status: 'queued', queued, attempts: 1, keys, bytes: bytesOf('frozen'), ...fields };
}

/** Appends a message whose only part is queued for `lab`, and resolves with its seq. */
export async function enqueue(
  store: MessageStore,
  queued: QueuedStatus,
  keys: readonly string[] = ['k'],
  fields: { readonly bytes?: Uint8Array; readonly retryAt?: number } = {},
): Promise<number> {
  const seq = await appendOne(store);
  await store.settle(channel, [settlement(seq, [queuedPart('lab', queued, keys, fields)])]);
  return seq;
}

export function labPart(seq: number): PartName {
  return { destination: 'lab', seq, n: 0 };
}

export function toSent(seq: number, from: PartChange['from'] = 'queued'): PartChange {
  return { ...labPart(seq), from, to: 'sent', sentAt: start + 9, attempts: 2 };
}

export function toError(seq: number): PartChange {
  return { ...labPart(seq), from: 'queued', to: 'error', error: refused, attempts: 3 };
}

export const beginning = { seq: 0, n: 0 };
export const anyBytes = Number.MAX_SAFE_INTEGER;
