import { dateFunction } from './date-function.ts';
import type { FunctionDefinition } from './function.ts';
import { tableFunction } from './table-function.ts';
import { textFunctions } from './text-functions.ts';

/** Every function that `do:` knows, by name. */
export const functions: ReadonlyMap<string, FunctionDefinition> = new Map(
  [...textFunctions, dateFunction, tableFunction].map((each) => [each.name, each as FunctionDefinition]),
);
