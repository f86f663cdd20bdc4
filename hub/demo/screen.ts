import type { Log } from '../../core/component.ts';
import { print } from '../cli/output.ts';

/** Lines, and on a terminal one more below them that is written over. */
export class Screen {
  readonly #live = process.stdout.isTTY === true;
  #progress = '';
  #toldAt = 0;

  line(text: string): void {
    this.#clear();
    print(text);
    if (this.#progress) process.stdout.write(this.#progress);
  }

  /** Where the play is; off a terminal a plain line every two seconds. */
  progress(text: string): void {
    if (this.#live) {
      this.#clear();
      this.#progress = text.slice(0, (process.stdout.columns || 80) - 1);
      process.stdout.write(this.#progress);
    } else if (performance.now() - this.#toldAt > 2_000) {
      this.#toldAt = performance.now();
      print(text);
    }
  }

  /** Ends the progress line. */
  done(): void {
    this.#clear();
    this.#progress = '';
  }

  #clear(): void {
    if (this.#live && this.#progress) process.stdout.write('\r\u001b[K');
  }

  /** The hub's log: errors are shown. That the laboratory refuses now and then is part of the play. */
  get log(): Log {
    const nothing = () => undefined;
    return { debug: nothing, info: nothing, warn: nothing, error: (_, text) => this.line(`error: ${text}`) };
  }
}
