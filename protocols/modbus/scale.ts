/** value = raw × scale + offset, rounded once: 3 × 0.1 is 0.3, because it is computed as 3 ÷ 10. */
export function scaled(raw: number, scale: number, offset: number): number {
  const divisor = divisorOf(scale);
  if (divisor === undefined) return raw * scale + offset;
  const whole = offset * divisor;
  const rounded = Math.round(whole);
  return Math.abs(whole - rounded) < 1e-9 * divisor ? (raw + rounded) / divisor : raw / divisor + offset;
}

/** raw = (value − offset) ÷ scale; not rounded to what a register holds. */
export function unscaled(value: number, scale: number, offset: number): number {
  const divisor = divisorOf(scale);
  return divisor === undefined ? (value - offset) / scale : (value - offset) * divisor;
}

/** The decimal of the fewest digits that is the same 32-bit float: 36.6, not 36.599998474121094. */
export function shortestOfFloat32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return value;
}

/** n where the scale is written 1/n, such as 0.1 or 0.05. */
function divisorOf(scale: number): number | undefined {
  const divisor = Math.round(1 / scale);
  return divisor > 1 && 1 / divisor === scale ? divisor : undefined;
}
