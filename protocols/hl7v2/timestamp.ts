let lastSecond = Number.NaN;
let lastText = '';

/**
 * An instant as HL7 writes it, to the second and with its zone: `20260102030405+0000` (HL7 2.5.1 §2.A.22).
 * @param now milliseconds since 1970, or a Date
 * @param offsetMinutes the zone to write it in, minutes east of UTC
 */
export function timestamp(now: number | Date, offsetMinutes = 0): string {
  const seconds = Math.floor(Number(now) / 1000);
  if (offsetMinutes !== 0) return inZone(seconds, offsetMinutes);
  // Acknowledgements of one second share their text: formatting it anew takes longer than all the rest of one.
  if (seconds !== lastSecond) {
    lastText = inZone(seconds, 0);
    lastSecond = seconds;
  }
  return lastText;
}

function inZone(seconds: number, offsetMinutes: number): string {
  const local = new Date((seconds + offsetMinutes * 60) * 1000).toISOString();
  const digits = local.slice(0, 4) + local.slice(5, 7) + local.slice(8, 10);
  const time = local.slice(11, 13) + local.slice(14, 16) + local.slice(17, 19);
  const minutes = Math.abs(offsetMinutes);
  const zone = two(Math.floor(minutes / 60)) + two(minutes % 60);
  return digits + time + (offsetMinutes < 0 ? '-' : '+') + zone;
}

const two = (n: number) => String(n).padStart(2, '0');
