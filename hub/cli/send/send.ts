import { access, constants } from 'node:fs/promises';
import { type EndpointOf, endpointKinds } from '../../../core/endpoint.ts';
import { asHubError } from '../../../core/errors.ts';
import { CommandFailure, type ExitCode, exit } from '../exit.ts';
import { print, printJson } from '../output.ts';
import { messagesToSend } from './messages-to-send.ts';
import { type PlayOptions, play } from './player.ts';
import { Tally } from './tally.ts';

export interface SendOptions {
  readonly to: string;
  readonly rate?: number;
  readonly connections: number;
  readonly pipeline: number;
  readonly repeat: number;
  readonly timeoutMs: number;
  readonly tls?: boolean;
  readonly caFile?: string;
  readonly json?: boolean;
}

/**
 * `weir send`: plays messages over MLLP and reports their acknowledgements. Fails when any was not accepted. Ctrl-C ends it with
 * the report of what was sent; a second one at once.
 */
export async function send(paths: readonly string[], options: SendOptions): Promise<ExitCode> {
  const to = await endpointOf(options);
  const messages = await messagesToSend(paths);
  if (messages.length === 0) throw new CommandFailure(exit.failed, 'there is no message to send');
  const { pipeline, repeat, timeoutMs, rate } = options;
  const total = messages.length * repeat;
  const tally = new Tally();
  const interrupted = new AbortController();
  const onInterrupt = () => interrupted.abort();
  process.once('SIGINT', onInterrupt);
  const startedAt = performance.now();
  const stopProgress = showProgress(tally, total, startedAt, options.json);
  const playOptions: PlayOptions = {
    to,
    connections: Math.min(options.connections, total),
    pipeline,
    repeat,
    timeoutMs,
    signal: interrupted.signal,
    ...(rate && { rate }),
  };
  try {
    await play(messages, playOptions, tally);
  } catch (thrown) {
    const after = tally.sent > 0 ? `, after ${tally.sent} messages` : '';
    const { message } = asHubError(thrown, 'refused', `sending to ${options.to}`);
    if (!interrupted.signal.aborted) throw new CommandFailure(exit.failed, `${message}${after}`);
  } finally {
    stopProgress();
    process.off('SIGINT', onInterrupt);
  }
  const seconds = ((tally.lastAnswerAt || performance.now()) - startedAt) / 1_000;
  report(tally, total, seconds, options.json);
  const accepted = tally.negative === 0 && tally.unanswered === 0 && tally.answers === total;
  return accepted ? exit.done : exit.failed;
}

/** Where `--to`, `--tls` and `--ca-file` say, as an environment would. Throws CommandFailure where they say nothing that can be used. */
async function endpointOf({ to, tls, caFile }: SendOptions): Promise<EndpointOf<'tcp-connect'>> {
  const [, host, port] = /^\[?([^[\]]+)\]?:(\d+)$/.exec(to) ?? [];
  const read = endpointKinds['tcp-connect'].safeParse({
    host,
    port: Number(port),
    ...((tls || caFile !== undefined) && { tls: caFile === undefined ? {} : { caFile } }),
  });
  if (!read.success) throw new CommandFailure(exit.usage, `--to takes host:port, not ${to}`);
  if (caFile !== undefined) {
    await access(caFile, constants.R_OK).catch(() => {
      throw new CommandFailure(exit.failed, `${caFile}: there is no such file that can be read`);
    });
  }
  return read.data;
}

function report(tally: Tally, total: number, seconds: number, json: boolean | undefined): void {
  const latency = tally.percentiles();
  const perSecond = tally.answers / seconds;
  const { sent, unanswered, stray } = tally;
  if (json) {
    printJson({
      messages: total,
      sent,
      acknowledgements: Object.fromEntries(tally.codes),
      unanswered,
      stray,
      seconds,
      perSecond,
      latencyMs: latency,
    });
    return;
  }
  const codes = [...tally.codes].sort().map(([code, count]) => `${code} ${count}`);
  if (unanswered > 0) codes.push(`no answer ${unanswered}`);
  if (stray > 0) codes.push(`stray ${stray}`);
  print(`${sent} of ${total} sent in ${seconds.toFixed(2)} s, ${perSecond.toFixed(perSecond < 10 ? 1 : 0)} a second`);
  print(`acknowledgements: ${codes.join(', ') || 'none'}`);
  if (latency)
    print(`latency: p50 ${ms(latency.p50)}, p90 ${ms(latency.p90)}, p99 ${ms(latency.p99)}, max ${ms(latency.max)}`);
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}

/** One line that is written over, on a terminal only. @returns what ends it */
function showProgress(tally: Tally, total: number, startedAt: number, json: boolean | undefined): () => void {
  if (!process.stderr.isTTY || json) return () => undefined;
  const show = () => {
    const perSecond = (tally.answers / (performance.now() - startedAt)) * 1_000;
    process.stderr.write(
      `\r\u001b[K${tally.answers} of ${total} answered, ${perSecond.toFixed(0)} a second, ${tally.negative} not accepted`,
    );
  };
  const timer = setInterval(show, 200);
  return () => {
    clearInterval(timer);
    process.stderr.write('\r\u001b[K');
  };
}
