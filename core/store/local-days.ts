/** An instant's slot of a quarter of an hour: today's zones begin their days, and change their offsets, at multiples of it. */
const slotMs = 900_000;
const keptSlots = 1_000;

/** The calendar days of one time zone, as numbers: 20261120. */
export class LocalDays {
  readonly timeZone: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #days = new Map<number, number>();
  #slot = Number.NaN;
  #day = 0;

  /** Throws RangeError where the system knows no such zone. */
  constructor(timeZone: string = systemTimeZone()) {
    const date = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
    this.#format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', { timeZone, ...date });
    this.timeZone = timeZone;
  }

  of(at: number): number {
    const slot = Math.floor(at / slotMs);
    if (slot === this.#slot) return this.#day;
    this.#slot = slot;
    return (this.#day = this.#days.get(slot) ?? this.#ask(slot));
  }

  #ask(slot: number): number {
    const parts = this.#format.formatToParts(slot * slotMs);
    const number = (type: string) => Number(parts.find((part) => part.type === type)?.value);
    const day = number('year') * 10_000 + number('month') * 100 + number('day');
    if (this.#days.size >= keptSlots) this.#days.clear();
    this.#days.set(slot, day);
    return day;
  }
}

export function systemTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** `2026-11-20`. */
export function dayText(day: number): string {
  const digits = String(day).padStart(8, '0');
  return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
}

/** The number of a day that is written `2026-11-20`; undefined for what is no day of the calendar. */
export function dayNumber(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const date = new Date(`${text}T00:00Z`);
  const isDay = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
  return isDay ? Number(text.replaceAll('-', '')) : undefined;
}
