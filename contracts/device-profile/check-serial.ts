import type { Report } from './findings.ts';
import { type BinaryPointKeys, bytesOf, type SerialSection } from './serial-keys.ts';

/** What of a profile of binary frames no schema can tell. */
export function checkBinary({ framing }: SerialSection, points: readonly BinaryPointKeys[], report: Report): void {
  if (framing.type !== 'fixed' && framing.type !== 'length-prefixed') return;
  const isFixed = framing.type === 'fixed';
  const length = isFixed ? framing.length : framing.maxBytes;
  if (!isFixed && framing.lengthAt < framing.start.length)
    report(['serial', 'framing', 'lengthAt'], 'value-invalid', 'the length stands behind the bytes of start');
  for (const [index, { at }] of isFixed ? framing.sync.entries() : [])
    if (at >= length)
      report(['serial', 'framing', 'sync', index, 'at'], 'value-invalid', 'it is behind the end of the frame');
  for (const [index, point] of points.entries()) {
    const end = point.at + bytesOf(point.type);
    if (end > length) report(['points', index, 'at'], 'value-invalid', 'it goes beyond the end of the frame');
    if (bytesOf(point.type) > 1 && point.order === undefined)
      report(['points', index, 'order'], 'key-missing', 'a value of several bytes needs it: devices differ');
    const other = points.slice(0, index).find((each) => each.at < end && point.at < each.at + bytesOf(each.type));
    if (other) report(['points', index, 'at'], 'value-invalid', `it overlaps ${other.id}`);
  }
}
