import type { ValueType } from '../../clients/postgres/catalog.ts';
import { type JsonValue, json } from '../../contracts/json.ts';
import { HubError } from '../../core/errors.ts';
import { noMeta } from '../../core/format.ts';
import type { Outgoing } from '../../core/message.ts';
import { zoneNamed } from '../../core/time/zone.ts';
import { type ColumnSource, type TakeValue, valueFrom } from './column-source.ts';
import type { PostgresDestinationConfig } from './config.ts';
import { converterFor, takesEmptyText } from './values/convert.ts';
import { type Convert, type GivenValue, Unfit } from './values/unfit.ts';

/** What one message becomes: texts that PostgreSQL reads as values of the columns' types, or of the parameters'. */
export interface Row {
  readonly effectId: string;
  readonly values: readonly (string | null)[];
  /** About. */
  readonly size: number;
}

/** A column, or a parameter, and where its values come from. */
export class Place {
  /** For messages: `column birth_date`, `value $1`. */
  readonly name: string;
  readonly type: ValueType;
  readonly #take: TakeValue;
  readonly #convert: Convert;
  readonly #nullable: boolean;
  readonly #emptyAsNull: boolean;
  readonly #takesEmpty: boolean;

  constructor(
    name: string,
    source: ColumnSource,
    column: { readonly type: ValueType; readonly nullable: boolean },
    config: PostgresDestinationConfig,
  ) {
    this.name = name;
    this.type = column.type;
    this.#take = valueFrom(source);
    const { zone, twice, never, emptyAsNull } = config;
    this.#convert = converterFor(column.type, { zone: zone === undefined ? undefined : zoneNamed(zone), twice, never });
    this.#nullable = column.nullable;
    this.#emptyAsNull = emptyAsNull;
    this.#takesEmpty = takesEmptyText(column.type);
  }

  /** Throws Unfit. */
  valueOf(message: Outgoing<unknown>, payload: () => JsonValue): string | null {
    return this.converted(this.#take(message, payload));
  }

  /** Throws Unfit. */
  converted(value: GivenValue): string | null {
    const given = value === '' && this.#emptyAsNull ? undefined : value;
    if (given === undefined || given === null) {
      if (!this.#nullable) throw new Unfit('is missing, and must not be');
      return null;
    }
    if (given === '' && !this.#takesEmpty) throw new Unfit('is empty: `emptyAsNull` makes that NULL');
    return this.#convert(given);
  }
}

/** Throws HubError, permanent, of scope message, that names the place and what it wants. */
export function rowOf(message: Outgoing<unknown>, places: readonly Place[], doing: string): Row {
  let decoded: JsonValue | undefined;
  const payload = () => {
    decoded ??= json.decode(message.bytes, noMeta);
    return decoded;
  };
  const values: (string | null)[] = [];
  let size = 200;
  for (const place of places) {
    try {
      const value = place.valueOf(message, payload);
      values.push(value);
      size += 8 + (value?.length ?? 0);
    } catch (thrown) {
      if (!(thrown instanceof Unfit)) throw thrown;
      throw new HubError('encode-failed', 'permanent', `${doing}: ${place.name} ${thrown.message}`);
    }
  }
  return { effectId: message.effectId, values, size };
}
