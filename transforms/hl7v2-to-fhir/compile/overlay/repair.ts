/**
 * What is done about rows of an official map: `drop: <reason>`, `code: <where>` when the engine's code does it and names the
 * row itself, or what is written instead of a cell. An empty `when` means always: the row's narrative condition is taken as met.
 */
export type Repair =
  | `drop: ${string}`
  | `code: ${string}`
  | {
      readonly to?: string;
      readonly when?: string;
      readonly via?: string;
      readonly vocabulary?: string;
      readonly assign?: string;
    };

/** By map and rows: `5`, `7-9,12`. */
export type Repairs = Readonly<Record<string, Readonly<Record<string, Repair>>>>;

/** The rows that a text like `5,7-9` names. */
export function rowsOf(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}

export const NOT_R4 = 'drop: R4 has no such extension; the value is kept under its v2 path';
export const ARITHMETIC = 'drop: offsets are not added to times; the value is kept under its v2 path';
export const ALWAYS = { when: '' } as const;
