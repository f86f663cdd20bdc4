/** `WEIR_NIGHTLY=1 npm test` runs more of what is random, or long: seeds, restarts, sizes. */
export const nightly = process.env.WEIR_NIGHTLY === '1';
