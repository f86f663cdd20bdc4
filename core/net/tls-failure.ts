/** What a failure may be about, by the names of the settings that an endpoint has for it. */
export interface Peer {
  /** What is at the other end: `broker`. */
  readonly is: string;
  /** The setting of its address: `host`. */
  readonly at: string;
  /** The setting of its port, where that is another one. */
  readonly port?: string;
}

/** What TLS or the network has thrown, by the code of Node’s error, in words that name the setting; undefined where no setting can be told. */
export function failureText(code: string, { is, at, port = at }: Peer): string | undefined {
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return `the certificate of the ${is} is not one that tls.caFile vouches for`;
    case 'CERT_HAS_EXPIRED':
      return `the certificate of the ${is} has expired`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate of the ${is} is for another name: ${at}, or tls.serverName`;
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return `the ${is} does not speak TLS on this port: ${port}, or tls`;
    case 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION':
      return `the ${is} speaks no TLS of tls.minVersion or above`;
    case 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE':
      return `the ${is} refuses the TLS handshake: tls`;
    case 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE':
    case 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA':
    case 'ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR':
      return `the ${is} does not trust our certificate: tls.certFile`;
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
      return `the ${is} wants our certificate: tls.certFile`;
    case 'ECONNREFUSED':
      return 'nothing listens there (ECONNREFUSED)';
    case 'ENOTFOUND':
      return `there is no host of this name: ${at}`;
    default:
      return undefined;
  }
}

/** Codes of a network that may be there again in a moment. */
export const networkCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
]);
