import { type LiveStatus, liveReport } from '../../live/live-bus.ts';
import { type ClientOptions, events } from '../admin-client.ts';
import { type ExitCode, exit } from '../exit.ts';
import { print } from '../output.ts';
import { Screen } from './screen.ts';

/** Home, and clear from there. */
const clear = '\x1b[H\x1b[J';

/** `weir watch`: a screen each second on a terminal, else one block for each report; with --json a line for each. */
export async function watch(options: ClientOptions & { readonly for?: number }): Promise<ExitCode> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once('SIGINT', end);
  const timer = options.for === undefined ? undefined : setTimeout(end, options.for * 1000);
  const screen = new Screen();
  try {
    for await (const { event, data } of events(options, '/api/live', stop.signal)) {
      if (event === 'bus') screen.bus(data as LiveStatus);
      const report = event === 'message' ? liveReport.safeParse(data) : undefined;
      if (!report?.success) continue;
      if (options.json) print(JSON.stringify(report.data));
      else {
        screen.add(report.data, performance.now());
        print((process.stdout.isTTY ? clear : '') + screen.text());
      }
    }
  } finally {
    clearTimeout(timer);
    process.removeListener('SIGINT', end);
  }
  return exit.done;
}
