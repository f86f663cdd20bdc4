import { BlockList, isIP } from 'node:net';
import { HubError } from '../errors.ts';

/**
 * Who may connect: addresses and CIDR ranges, IPv4 and IPv6; anyone where there is no list. An IPv4 peer of an IPv6 socket
 * (`::ffff:10.0.0.7`) is known by its IPv4 address.
 * @throws HubError config-invalid where an entry is neither
 */
export function allowList(entries: readonly string[] | undefined): (address: string) => boolean {
  if (entries === undefined) return () => true;
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (version === 0 || prefix < 0 || prefix > most) {
      throw new HubError('config-invalid', 'permanent', `reading the allow list: ${entry} is no address or CIDR range`);
    }
    list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
