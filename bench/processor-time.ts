import { readdirSync, readFileSync } from 'node:fs';

/** By name: whether a process, by its command line and id, is one of these. */
export type Whose = Readonly<Record<string, (command: string, pid: number) => boolean>>;

/** A tick of /proc, in milliseconds. */
const tickMs = 10;

/** What kinds of processes have used of the processors until now. */
export class ProcessorTime {
  readonly #at = performance.now();
  readonly #ticks = new Map<string, number>();

  constructor(whose: Whose) {
    for (const name of Object.keys(whose)) this.#ticks.set(name, 0);
    for (const entry of readdirSync('/proc')) {
      const pid = Number(entry);
      if (!(pid > 0)) continue;
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const of = Object.keys(whose).find((name) => whose[name]!(command, pid));
        if (of === undefined) continue;
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        // The name in parentheses may have spaces; user and system time are the 12th and 13th after it.
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        this.#ticks.set(of, this.#ticks.get(of)! + Number(fields[11]) + Number(fields[12]));
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  /** Microseconds that each kind has used for one of so many messages, between this moment and that. */
  perMessage(later: ProcessorTime, messages: number): ReadonlyMap<string, number> {
    const used = [...this.#ticks].map(
      ([name, ticks]) => [name, ((later.#ticks.get(name)! - ticks) * tickMs * 1000) / messages] as const,
    );
    return new Map(used);
  }

  /** `hub 61 %, Kafka 40 %`: of one processor, between this moment and that. */
  until(later: ProcessorTime): string {
    return [...this.#ticks]
      .map(([name, ticks]) => {
        const share = ((later.#ticks.get(name)! - ticks) * tickMs) / (later.#at - this.#at);
        return `${name} ${Math.round(100 * share)} %`;
      })
      .join(', ');
  }
}
