import { readFileSync } from 'node:fs';
import { messageIds } from '../core/runtime/message-id.ts';
import type { MessageStore, NewMessage } from '../core/store/message-store.ts';
import { repeatableRandom } from '../core/testing/contexts.ts';

export const channels = ['adt', 'orders'] as const;
/** Messages of one patient on the average; one in three is an order. */
const perPatient = 20;

export const random = repeatableRandom(1);
const newId = messageIds(Date.now, random);
const templates = { adt: template('adt-a01.hl7'), orders: template('orm-o01.hl7') };

/** The messages of the benchmark by their number, and storing them: one after another, of patients that recur. */
export class SearchMessages {
  readonly patients: number;
  sent = 0;

  constructor(count: number) {
    this.patients = Math.ceil(count / perPatient);
  }

  get sizes(): string {
    const bytes = channels.map((channel) => this.#message(channel, 0).length);
    return `messages of ${bytes.join(' and ')} bytes`;
  }

  controlId(n: number): string {
    return `C${String(n).padStart(9, '0')}`;
  }

  patientId(n: number): string {
    return `P${String(n % this.patients).padStart(7, '0')}`;
  }

  orderId(n: number): string {
    return `O${String(n - (n % 3)).padStart(9, '0')}`;
  }

  /** One for each patient. */
  surname(n: number): string {
    let left = (n % this.patients) + 1;
    let name = '';
    for (; left > 0; left = Math.floor(left / 100))
      name += 'bdfghklmnprstvwzcjqx'[left % 20]! + 'aeiou'[Math.floor((left % 100) / 20)]!;
    return `${name[0]!.toUpperCase()}${name.slice(1)}mann`;
  }

  /** Stores and settles the next messages, in one commit each. */
  async send(store: MessageStore, howMany: number, receivedAt: number): Promise<void> {
    const byChannel = { adt: [] as NewMessage[], orders: [] as NewMessage[] };
    for (const last = this.sent + howMany; this.sent < last; this.sent++) {
      const channel = this.sent % 3 === 0 ? 'orders' : 'adt';
      byChannel[channel].push({
        id: newId(),
        raw: this.#message(channel, this.sent),
        meta: { 'hl7.controlId': this.controlId(this.sent) },
        receivedAt: Math.floor(receivedAt),
      });
    }
    await Promise.all(channels.map((channel) => keep(store, channel, byChannel[channel])));
  }

  #message(channel: (typeof channels)[number], n: number): Buffer {
    const [control, patient, order, surname] = [this.controlId(n), this.patientId(n), this.orderId(n), this.surname(n)];
    return templates[channel]({ control, patient, order, surname });
  }
}

async function keep(
  store: MessageStore,
  channel: (typeof channels)[number],
  batch: readonly NewMessage[],
): Promise<void> {
  if (batch.length === 0) return;
  const appended = await store.append(channel, batch);
  const sentAt = batch[0]!.receivedAt;
  const type = channel === 'adt' ? 'ADT^A01' : 'ORM^O01';
  const settlements = appended.map((each, at) => {
    const controlId = batch[at]!.meta['hl7.controlId'];
    const reply = Buffer.from(`MSH|^~\\&|LAB|HOSP|WEIR|HOSP|20260302||ACK|${controlId}|P|2.5.1\rMSA|AA|${controlId}\r`);
    return {
      seq: 'seq' in each ? each.seq : 0,
      ...{ version: 'v1', content: 'full' as const, type },
      parts: [{ destination: 'lab', n: 0, status: 'sent' as const, sentAt, attempts: 1, reply }],
    };
  });
  await store.settle(channel, settlements);
}

/** A fixture with ids, and a name, of its own. */
function template(file: string): (values: Readonly<Record<string, string>>) => Buffer {
  const text = readFileSync(new URL(`../test-fixtures/hl7v2/${file}`, import.meta.url), 'utf8');
  const segments = text.split('\r').map((segment) => {
    const fields = segment.split('|');
    if (fields[0] === 'MSH') fields[9] = '{control}';
    if (fields[0] === 'PID') [fields[3], fields[5]] = ['{patient}^^^HOSP^MR', '{surname}^Anna^Maria'];
    if (fields[0] === 'ORC') fields[2] = '{order}^EHR';
    if (fields[0] === 'OBR') fields[2] = '{order}^EHR';
    if (fields[0] === 'PV1') fields[19] = 'V{patient}^^^HOSP^VN';
    return fields.join('|');
  });
  const pieces = segments.join('\r').split(/\{(control|patient|order|surname)\}/);
  return (values) => {
    let filled = '';
    for (const [at, piece] of pieces.entries()) filled += at % 2 === 0 ? piece : values[piece];
    return Buffer.from(filled);
  };
}
