/** Begins a frame: <SB>, vertical tab (MLLP release 1, §2). */
export const START = 0x0b;
/** Ends a frame's content: <EB>, file separator. `CARRIAGE_RETURN` must follow it. */
export const END = 0x1c;
export const CARRIAGE_RETURN = 0x0d;
