/**
 * One bare address (RFC 5321 §4.1.2, Mailbox, without quoted local parts): nothing in it can end it and begin another, or a
 * header of its own.
 */
export function isAddress(text: string): boolean {
  return (
    text.length <= 254 &&
    /^[\p{L}\p{N}!#$%&'*+/=?^_`{|}~.-]{1,64}@[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?$/u.test(text)
  );
}
