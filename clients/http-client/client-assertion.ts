import { createPrivateKey, type KeyObject, randomUUID, sign } from 'node:crypto';
import type { Clock } from '../../core/component.ts';
import type { EndpointOf } from '../../core/endpoint.ts';
import { HubError } from '../../core/errors.ts';

type Signing = Pick<EndpointOf<'oauth2-client'>, 'url' | 'clientId' | 'privateKey' | 'keyId'>;

/** SMART allows five minutes; a server whose clock is a little ahead or behind is to take it, too. */
const HOLDS_MS = 240_000;

/**
 * Says who we are by a key instead of a secret: `private_key_jwt` of SMART backend services
 * (hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html), signed as RS384 or ES384.
 */
export class ClientAssertion {
  readonly #endpoint: Signing;
  readonly #clock: Clock;
  readonly #key: KeyObject;
  readonly #header: string;

  /** Throws HubError `config-invalid` for a key that signs neither way. */
  constructor(endpoint: Signing, clock: Clock) {
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.#key = keyOf(endpoint.privateKey ?? '');
    const { keyId } = endpoint;
    const kid = keyId === undefined ? {} : { kid: keyId };
    this.#header = encoded({ alg: algorithmOf(this.#key), typ: 'JWT', ...kid });
  }

  /** Another one for each request: a server takes each only once. */
  next(): string {
    const { clientId, url } = this.#endpoint;
    const exp = Math.floor((this.#clock.now() + HOLDS_MS) / 1_000);
    const claims = encoded({ iss: clientId, sub: clientId, aud: url, exp, jti: randomUUID() });
    const signed = `${this.#header}.${claims}`;
    // RFC 7518 §3.4: both numbers side by side, no ASN.1.
    const signature = sign('sha384', Buffer.from(signed), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function keyOf(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // OpenSSL's own text may quote the file.
    throw unfit('it is no private key in PEM');
  }
}

function algorithmOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): 'RS384' | 'ES384' {
  if (type === 'rsa') {
    if ((details?.modulusLength ?? 0) < 2048) throw unfit('an RSA key needs 2,048 bits');
    return 'RS384';
  }
  if (type === 'ec' && details?.namedCurve === 'secp384r1') return 'ES384';
  throw unfit('it is neither RSA nor on the curve P-384');
}

function unfit(what: string): HubError {
  return new HubError('config-invalid', 'permanent', `reading the privateKey of an oauth2-client: ${what}`);
}
