import type { PostgresSession } from '../../clients/postgres/session.ts';
import type { Reading, VitalReadings } from '../../contracts/vitals.ts';
import { binaryArray } from './binary-array.ts';
import type { NewSeries, SeriesName } from './rows.ts';

/** The numbers of series, as far as they were asked for. They never change, and are few beside the readings. */
export class SeriesNumbers {
  readonly #known = new Map<string, Map<string, number>>();

  of(
    { device }: Pick<VitalReadings, 'device'>,
    { point, unit = '' }: Pick<Reading, 'point' | 'unit'>,
  ): number | undefined {
    return this.#known.get(device)?.get(keyOf(point, unit));
  }

  /** Those of a batch that have no number yet. */
  missing(messages: readonly VitalReadings[]): readonly NewSeries[] {
    const found = new Map<string, NewSeries>();
    for (const message of messages) {
      const { device, profile, location, subject } = message;
      const known = this.#known.get(device);
      for (const { point, unit = '', code } of message.readings) {
        if (known?.has(keyOf(point, unit))) continue;
        const name = JSON.stringify([device, point, unit]);
        if (!found.has(name)) found.set(name, { device, point, unit, code, profile, location, subject });
      }
    }
    return [...found.values()];
  }

  /**
   * Gives them numbers, in a transaction of its own: a series without readings does no harm. In one order, so that two hubs do not wait
   * for each other.
   */
  async add(session: PostgresSession, schema: string, missing: readonly NewSeries[]): Promise<void> {
    const sorted = missing.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    const text = (read: (series: NewSeries) => string | undefined) => sorted.map((each) => read(each) ?? null);
    const rows = await session.ask(
      `WITH given AS (
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[])
           WITH ORDINALITY AS g (device, point, unit, mdc, loinc, profile, location, subject, at)
       ), made AS (
         INSERT INTO ${schema}.series (device, point, unit, mdc, loinc, profile, location, subject)
         SELECT g.device, g.point, g.unit, g.mdc, string_to_array(g.loinc, ' '), g.profile, g.location, g.subject FROM given AS g
         WHERE NOT EXISTS (SELECT FROM ${schema}.series AS s WHERE (s.device, s.point, s.unit) = (g.device, g.point, g.unit))
         ORDER BY g.at ON CONFLICT (device, point, unit) DO UPDATE SET device = excluded.device RETURNING device, point, unit, id
       )
       SELECT * FROM made UNION
       SELECT s.device, s.point, s.unit, s.id FROM ${schema}.series AS s JOIN given USING (device, point, unit)`,
      [
        ...[text(({ device }) => device), text(({ point }) => point), text(({ unit }) => unit)],
        ...[
          binaryArray(
            'int4',
            sorted.map(({ code }) => code?.mdc ?? null),
          ),
          text(({ code }) => code?.loinc?.join(' ')),
        ],
        ...[text(({ profile }) => profile), text(({ location }) => location), text(({ subject }) => subject)],
      ],
    );
    for (const [device, point, unit, id] of rows) {
      const name = String(device);
      let known = this.#known.get(name);
      if (!known) this.#known.set(name, (known = new Map()));
      known.set(keyOf(String(point), String(unit)), Number(id));
    }
  }
}

function keyOf(point: string, unit: string): string {
  return `${point} ${unit}`;
}

function nameOf({ device, point, unit }: SeriesName): string {
  return `${device}\n${point}\n${unit}`;
}
