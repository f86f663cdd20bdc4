import { z } from 'zod';
import { serialLine } from './serial-line.ts';

/** Files of a certificate, read again when they change. */
export const tlsServer = z.strictObject({
  certFile: z.string().describe('PEM file with the certificate chain presented to clients.'),
  keyFile: z.string().describe('PEM file with the private key of that certificate.'),
  caFile: z.string().optional().describe('PEM file with the authorities whose client certificates are trusted.'),
  clientCertificate: z
    .enum(['none', 'required'])
    .default('none')
    .describe('`required` refuses clients without a certificate from caFile (mutual TLS).'),
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('Oldest TLS version that is accepted.'),
});

export const tlsClient = z.strictObject({
  caFile: z
    .string()
    .optional()
    .describe('PEM file with the authorities the server is checked against; the system ones if absent.'),
  certFile: z
    .string()
    .optional()
    .describe('PEM file with our certificate, where the server asks for one (mutual TLS).'),
  keyFile: z.string().optional().describe('PEM file with the private key of certFile.'),
  serverName: z.string().optional().describe('Name expected in the server certificate, where it is not the host.'),
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('Oldest TLS version that is accepted.'),
});

/** How the certificate of a server is checked, and which one we show. */
export type TlsClient = z.output<typeof tlsClient>;

/** A password or key: the environment file says where it is, `${env:NAME}` or `${file:path}`, and never what it is. */
export const secret = () => z.string().min(1).meta({ writeOnly: true });

function httpUrl(description: string) {
  return z.string().refine(isHttpUrl, 'an address like https://lab.example/api').describe(description);
}

function isHttpUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  return url.username === '' && url.password === '' && !/[?#\s]/.test(text);
}

/** What an endpoint of each kind says. Environments hold endpoints by name; channels only name them. */
export const endpointKinds = {
  'tcp-listen': z.strictObject({
    listen: z.int().min(0).max(65535).describe('TCP port to listen on; 0 takes a free one.'),
    host: z.string().default('127.0.0.1').describe('Address to bind. 0.0.0.0 listens on every interface.'),
    tls: tlsServer.optional().describe('Listens with TLS; without it connections are plain.'),
    allow: z.array(z.string()).optional().describe('Addresses or CIDR ranges that may connect; anyone if absent.'),
  }),
  'tcp-connect': z.strictObject({
    host: z.string().describe('Host name or address to connect to.'),
    port: z.int().min(1).max(65535).describe('TCP port to connect to.'),
    tls: tlsClient.optional().describe('Connects with TLS; without it the connection is plain.'),
  }),
  serial: z.strictObject({
    path: z
      .string()
      .min(1)
      .describe(
        'The serial port, best by its id: `/dev/serial/by-id/…`; `tcp://host:port` for a device server that passes the line’s bytes on.',
      ),
    ...serialLine,
  }),
  directory: z.strictObject({
    path: z.string().describe('Directory; a relative path starts at the folder of the environment file.'),
  }),
  sftp: z
    .strictObject({
      host: z.string().min(1).describe('Host name or address of the SSH server.'),
      port: z.int().min(1).max(65535).default(22).describe('TCP port of the SSH server.'),
      user: z.string().min(1).describe('Name to log in with.'),
      password: secret().optional().describe('Password of the user, as a reference.'),
      privateKey: secret().optional().describe('Private key of the user (OpenSSH or PEM), as a reference.'),
      passphrase: secret().optional().describe('Passphrase of privateKey, as a reference, where it has one.'),
      hostKeys: z
        .array(z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'a fingerprint like those of ssh-keygen -l: SHA256:…'))
        .min(1)
        .describe('Fingerprints of the host keys that the server may show; with any other nothing is sent to it.'),
    })
    .refine(({ password, privateKey }) => password ?? privateKey, 'password or privateKey is missing'),
  smtp: z
    .strictObject({
      host: z.string().min(1).describe('Host name or address of the mail server.'),
      port: z.int().min(1).max(65535).default(587).describe('TCP port of the mail server.'),
      security: z
        .enum(['starttls', 'tls', 'none'])
        .default('starttls')
        .describe(
          '`starttls` asks for TLS and sends nothing without it, `tls` begins with it (port 465), `none` is plain.',
        ),
      tls: tlsClient.prefault({}).describe('How the server’s certificate is checked.'),
      user: z.string().min(1).optional().describe('Name to log in with, where the server asks for one.'),
      password: secret().optional().describe('Password of the user, as a reference.'),
    })
    .refine(({ user, password }) => (user === undefined) === (password === undefined), 'user and password go together')
    .refine(({ user, security }) => !user || security !== 'none', 'a password is not sent without TLS'),
  kafka: z
    .strictObject({
      brokers: z
        .array(z.string().regex(/^[^\s:/]+:\d{1,5}$|^\[[^\s\]]+\]:\d{1,5}$/, 'an address like kafka-1.example:9092'))
        .min(1)
        .describe('Addresses of brokers, `host:port`. One that answers is enough; the others are learnt from it.'),
      tls: tlsClient.optional().describe('Connects with TLS; without it the connections are plain.'),
      sasl: z
        .strictObject({
          mechanism: z
            .enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])
            .describe('How the password is proven; PLAIN sends it, and therefore only over TLS.'),
          user: z.string().min(1).describe('Name to log in with.'),
          password: secret().describe('Password of the user, as a reference.'),
          withoutTls: z
            .literal(true)
            .optional()
            .describe('PLAIN over a plain connection, where nobody else is on the network between.'),
        })
        .optional()
        .describe('Logs in with SASL; without it the brokers know us by certificate or not at all.'),
    })
    .refine(
      ({ tls, sasl }) => tls || sasl?.mechanism !== 'PLAIN' || sasl.withoutTls,
      'a password is not sent without TLS',
    ),
  rabbitmq: z
    .strictObject({
      nodes: z
        .array(z.string().regex(/^[^\s:/]+:\d{1,5}$|^\[[^\s\]]+\]:\d{1,5}$/, 'an address like rabbit-1.example:5672'))
        .min(1)
        .describe('Addresses of the nodes of a cluster, `host:port`, tried in this order until one answers.'),
      vhost: z.string().min(1).default('/').describe('Virtual host in which the exchanges and queues are.'),
      user: z.string().min(1).optional().describe('Name to log in with; without it tls.certFile says who we are.'),
      password: secret()
        .optional()
        .describe('Password of the user, as a reference; it is readable on the way without tls.'),
      tls: tlsClient.optional().describe('Connects with TLS; without it the connections are plain.'),
    })
    .refine(({ user, password }) => (user === undefined) === (password === undefined), 'user and password go together')
    .refine(({ user, tls }) => user !== undefined || tls?.certFile !== undefined, 'user or tls.certFile is missing'),
  mqtt: z
    .strictObject({
      host: z.string().min(1).describe('Host name or address of the broker.'),
      port: z.int().min(1).max(65535).default(1883).describe('TCP port of the broker; with TLS it is often 8883.'),
      user: z
        .string()
        .min(1)
        .optional()
        .describe('Name to log in with; without it tls.certFile says who we are, or nobody does.'),
      password: secret()
        .optional()
        .describe('Password of the user, as a reference; it is readable on the way without tls.'),
      tls: tlsClient.optional().describe('Connects with TLS; without it the connections are plain.'),
    })
    .refine(({ user, password }) => user !== undefined || password === undefined, 'a password goes with a user'),
  postgres: z.strictObject({
    host: z.string().min(1).describe('Host name or address of the database server, or of PgBouncer in front of it.'),
    port: z.int().min(1).max(65535).default(5432).describe('TCP port of the server.'),
    database: z.string().min(1).describe('Name of the database.'),
    user: z.string().min(1).describe('Name to log in with.'),
    password: secret()
      .optional()
      .describe(
        'Password of the user, as a reference; without it tls.certFile says who we are, or the server asks nobody.',
      ),
    tls: tlsClient.optional().describe('Connects with TLS; without it the connection is plain.'),
  }),
  http: z
    .strictObject({
      url: httpUrl('Address of the server, with the path that every request begins with: `https://lab.example/api`.'),
      tls: tlsClient
        .optional()
        .describe('What TLS is checked against, and our certificate; only for an https address.'),
    })
    .refine(({ url, tls }) => tls === undefined || url.startsWith('https:'), 'tls needs an https address'),
  'basic-auth': z.strictObject({
    user: z
      .string()
      .regex(/^[^:\x00-\x1f\x7f]+$/, 'a name without a colon')
      .describe('Name that the caller gives; it cannot hold a colon.'),
    password: secret().describe('Password of the user, as a reference.'),
  }),
  'bearer-token': z.strictObject({
    token: secret().describe('Token that the caller presents, as a reference.'),
  }),
  'oauth2-client': z
    .strictObject({
      url: httpUrl('Address that gives out access tokens for client credentials (RFC 6749 §4.4).'),
      tls: tlsClient
        .optional()
        .describe('What TLS is checked against, and our certificate; only for an https address.'),
      clientId: z.string().min(1).describe('Our name at that address.'),
      clientSecret: secret().optional().describe('Secret that goes with the name, as a reference.'),
      privateKey: secret()
        .optional()
        .describe(
          'Private key (PEM; RSA, or EC on P-384) that signs who we are in place of a secret, as a reference: `private_key_jwt` of SMART backend services, RS384 or ES384.',
        ),
      keyId: z.string().min(1).optional().describe('Name of that key among those that the server knows of us (`kid`).'),
      scope: z.string().optional().describe('Rights that are asked for, divided by blanks; what is usual if absent.'),
      audience: z.string().optional().describe('Whom the token is for, where the server wants to know.'),
      clientAuthentication: z
        .enum(['basic', 'body'])
        .default('basic')
        .describe('Where name and secret stand: in the header `Authorization`, or in the body of the request.'),
    })
    .refine(({ url, tls }) => tls === undefined || url.startsWith('https:'), 'tls needs an https address')
    .refine(
      ({ clientSecret, privateKey }) => (clientSecret === undefined) !== (privateKey === undefined),
      'either clientSecret or privateKey says who we are',
    )
    .refine(({ keyId, privateKey }) => keyId === undefined || privateKey !== undefined, 'keyId names a privateKey'),
} as const;

export type EndpointKind = keyof typeof endpointKinds;
export type EndpointOf<K extends EndpointKind> = z.output<(typeof endpointKinds)[K]>;
export type Endpoint = { [K in EndpointKind]: { readonly kind: K } & EndpointOf<K> }[EndpointKind];
