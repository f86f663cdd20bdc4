import type { Log } from '../core/component.ts';
import type { Settings } from './settings.ts';

const colours: Record<string, string> = {
  debug: '\u001b[90m',
  info: '\u001b[36m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
};
const reset = '\u001b[0m';

/** Where a key may hold content or a secret by mistake, its value is not written; a number is neither. */
const redactedKeys = [
  'raw',
  'payload',
  'content',
  'bytes',
  'reply',
  'token',
  'password',
  'authorization',
  'key',
  'keys',
];

/** Logs to standard output with pino: a line for people, or JSON lines. */
export async function createLog(settings: Settings['log']): Promise<Log> {
  const { pino, stdTimeFunctions } = await import('pino');
  const pretty = settings.format === 'pretty' || (settings.format === 'auto' && process.stdout.isTTY);
  const options = {
    level: settings.level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    messageKey: 'text',
    formatters: { level: (level: string) => ({ level }) },
    redact: {
      paths: redactedKeys.flatMap((key) => [key, `*.${key}`]),
      censor: (value: unknown) => (typeof value === 'number' ? value : '[redacted]'),
    },
  };
  const logger = pretty
    ? pino(options, { write: (line: string) => process.stdout.write(prettyLine(line, process.stdout.isTTY)) })
    : pino(options, process.stdout);
  return {
    debug: (fields, text) => logger.debug(fields, text),
    info: (fields, text) => logger.info(fields, text),
    warn: (fields, text) => logger.warn(fields, text),
    error: (fields, text) => logger.error(fields, text),
  };
}

/** `08:15:00.123 info  listening  channel=adt-inbound port=2575` */
export function prettyLine(json: string, coloured: boolean): string {
  const { level, time, text, ...fields } = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const word = String(level);
  const shown = coloured ? `${colours[word] ?? ''}${word.padEnd(5)}${reset}` : word.padEnd(5);
  const rest = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
  );
  return `${String(time).slice(11, 23)} ${shown} ${String(text)}${rest.join('')}\n`;
}
