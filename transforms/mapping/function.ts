import { z } from 'zod';
import { HubError } from '../../core/errors.ts';
import type { CodeTable } from '../../core/tables/code-table.ts';
import type { UnknownCodes } from '../../core/tables/unknown-codes.ts';
import type { Never, Twice } from '../../core/time/zone.ts';
import type { Run } from './run.ts';
import { asText, type Value } from './value.ts';

/** What a function makes of a value. Nothing (undefined) and null go through every function but `default`. */
export type Apply = (value: Value, run: Run) => Value;

/** A function of a TypeScript file beside the map: text in, text out. Pure, and not asynchronous. */
export type ValueScript = (text: string, context: { readonly receivedAt: number }) => string | null | undefined;

/** What functions are compiled with. */
export interface FunctionContext {
  /** Throws HubError `config-invalid` where there is no such table. */
  table(name: string): CodeTable;
  readonly unknown: UnknownCodes;
  readonly twice: Twice;
  readonly never: Never;
  /** Which way of writing dates the source and the result have. */
  readonly dates: { readonly from: 'hl7' | 'iso'; readonly to: 'hl7' | 'iso' };
  /** An argument as it is written in the file: `prefix: 0049` is no number. */
  written(...keys: readonly string[]): string | undefined;
  /** Throws HubError `config-invalid` where the file has no such function. */
  script(reference: string): (...given: readonly never[]) => unknown;
}

export interface FunctionDefinition {
  readonly name: string;
  /** One sentence for the reference page and the editor. */
  readonly summary: string;
  readonly arguments: z.ZodType;
  /** Whether it can be written without arguments, by its name alone. */
  readonly bare: boolean;
  /** Throws HubError `config-invalid`. */
  compile(given: unknown, context: FunctionContext): Apply;
}

/** A function with arguments. */
export function defineFunction<S extends z.ZodType>(
  name: string,
  summary: string,
  given: S,
  compile: (given: z.output<S>, context: FunctionContext) => Apply,
): FunctionDefinition {
  return {
    name,
    summary,
    arguments: given.describe(summary),
    bare: false,
    compile: (read, context) => compile(read as z.output<S>, context),
  };
}

/** A function of the text alone. */
export function bareFunction(name: string, summary: string, change: (text: string) => string): FunctionDefinition {
  const apply = textual(change);
  return { name, summary, arguments: z.literal(true).describe(summary), bare: true, compile: () => apply };
}

/** Only text is changed. */
export function textual(change: (text: string, run: Run) => Value): Apply {
  return (value, run) => {
    const text = asText(value);
    if (text === undefined || text === null) return text;
    const changed = change(text, run);
    return changed === '' ? undefined : changed;
  };
}

/** A text in a map: YAML reads some as numbers, see `FunctionContext.written`. */
export const plain = z.union([z.string(), z.number(), z.boolean()]);

export function invalid(reason: string): HubError {
  return new HubError('config-invalid', 'permanent', reason);
}
