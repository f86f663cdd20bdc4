import { z } from 'zod';

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
  directory: z.strictObject({
    path: z.string().describe('Directory; a relative path starts at the folder of the environment file.'),
  }),
} as const;

export type EndpointKind = keyof typeof endpointKinds;
export type EndpointOf<K extends EndpointKind> = z.output<(typeof endpointKinds)[K]>;
export type Endpoint = { [K in EndpointKind]: { readonly kind: K } & EndpointOf<K> }[EndpointKind];
