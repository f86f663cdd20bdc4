import { ProtocolFault } from '../fault.ts';
import type { AckCode } from './ack.ts';
import type { AckError } from './ack-error.ts';
import { type ParseOptions, parse } from './message.ts';
import type { Segment } from './segment.ts';

/** An acknowledgement as its receiver sees it. */
export interface ReceivedAck {
  readonly code: AckCode;
  /** MSA-2: the control id of the message that is answered; empty when the far end did not say. */
  readonly controlId: string;
  /** MSA-3. */
  readonly text: string | undefined;
  readonly errors: readonly ReceivedError[];
}

/** One ERR entry; whatever the far end left out is undefined. */
export type ReceivedError = { readonly [K in keyof AckError]-?: string | undefined };

/**
 * Reads an acknowledgement, or the MSA and ERR segments of any response.
 * @throws ProtocolFault hl7v2.bad-acknowledgement when there is no MSA segment or no code of table 0008 in it, and what `parse` throws
 */
export function readAck(raw: Uint8Array, options: ParseOptions = {}): ReceivedAck {
  const message = parse(raw, options);
  const code = message.get('MSA-1');
  if (!isAckCode(code)) {
    const what = message.has('MSA') ? 'MSA-1 is no acknowledgement code' : 'there is no MSA segment';
    throw new ProtocolFault('hl7v2.bad-acknowledgement', `reading an acknowledgement: ${what}`);
  }
  return {
    code,
    controlId: message.get('MSA-2') ?? '',
    text: message.get('MSA-3') ?? undefined,
    errors: message.segments('ERR').flatMap(readErrors),
  };
}

function isAckCode(code: string | null | undefined): code is AckCode {
  return code === 'AA' || code === 'AE' || code === 'AR' || code === 'CA' || code === 'CE' || code === 'CR';
}

function readErrors(segment: Segment): ReceivedError[] {
  const read = (place: string) => segment.get(place) ?? undefined;
  if (read('2') ?? read('3') ?? read('4') ?? read('8')) {
    const [name, ...numbers] = ['2.1', '2.2', '2.3', '2.4', '2.5', '2.6'].map(read);
    return [
      {
        location: pathOf(name, numbers),
        code: read('3.1'),
        severity: read('4.1'),
        text: read('8') ?? read('3.9') ?? read('3.2'),
        diagnostic: read('7'),
      },
    ];
  }
  return segment.field(1).repetitions.flatMap(({ components, value }) => {
    if (value === undefined) return [];
    const [name, sequence, field, condition] = components;
    const [code, text] = condition?.subcomponents ?? [];
    return [
      {
        location: pathOf(name?.value, [sequence?.value, field?.value]),
        code: code?.value ?? undefined,
        severity: undefined,
        text: text?.value ?? undefined,
        diagnostic: undefined,
      },
    ];
  });
}

/** `OBX[2]-5[1].3`, from the components of an ERL or ELD. */
function pathOf(name: string | null | undefined, numbers: readonly (string | null | undefined)[]): string | undefined {
  if (!name) return undefined;
  const [sequence, field, repetition, component, subcomponent] = numbers;
  let path = sequence && sequence !== '1' ? `${name}[${sequence}]` : name;
  if (!field) return path;
  path += `-${field}`;
  if (repetition && repetition !== '1') path += `[${repetition}]`;
  if (component) path += `.${component}`;
  return component && subcomponent ? `${path}.${subcomponent}` : path;
}
