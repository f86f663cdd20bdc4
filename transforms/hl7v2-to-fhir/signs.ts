/** What a character is to the reader; of a value a bit each says what stands in it. */
export const SOLID = 0;
export const FIELD = 1;
export const REPETITION = 2;
export const COMPONENT = 3;
export const SUBCOMPONENT = 4;
/** An escape, or a control character. */
export const ODD = 5;
/** A blank, and what is beyond ASCII: of such alone a value may hold nothing. */
export const SOFT = 6;
/** A quotation mark: of such it may ask to delete what is there. */
export const QUOTE = 7;
/** In place of the others: MSH-1 and MSH-2 are not divided. */
export const VERBATIM = 1 << 8;

const ODD_OR_SOLID = (1 << ODD) | (1 << SOLID);
const DIVIDES = (1 << COMPONENT) | (1 << SUBCOMPONENT);
const UNLIKE_TEXT = DIVIDES | (1 << ODD) | (1 << QUOTE) | (1 << SOFT) | VERBATIM;

/** Whether there is certainly something in a value. */
export function isSolid(signs: number): boolean {
  return (signs & ODD_OR_SOLID) === 1 << SOLID;
}

/** Whether it asks to delete nothing. */
export function deletesNothing(signs: number): boolean {
  return isSolid(signs) && (signs & (1 << QUOTE)) === 0;
}

export function isDivided(signs: number): boolean {
  return (signs & DIVIDES) !== 0;
}

/** Whether it is one leaf, which says what stands there to the letter. */
export function isText(signs: number): boolean {
  return (signs & (UNLIKE_TEXT | (1 << SOLID))) === 1 << SOLID;
}
