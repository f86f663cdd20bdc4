import type { Socket } from 'node:net';
import { createSecureContext, createServer, type Server, type TLSSocket } from 'node:tls';
import type { ComponentContext } from '../component.ts';
import type { EndpointOf } from '../endpoint.ts';
import { asHubError } from '../errors.ts';
import { PemFiles, type Pems } from './pem-files.ts';

type TlsServerConfig = NonNullable<EndpointOf<'tcp-listen'>['tls']>;

export interface TlsGateOptions {
  readonly context: ComponentContext;
  /** What the gate's counters begin with: `mllp` counts `mllp_tls_failures_total` and `mllp_tls_reload_failures_total`. */
  readonly counters: string;
  /** Is given each connection whose handshake has succeeded. */
  readonly admit: (socket: TLSSocket) => void;
}

/** A handshake that takes longer is given up: such a connection costs memory and says nothing. */
const HANDSHAKE_MS = 10_000;

/** Turns raw connections into TLS ones, mutual TLS included; certificates that change on disk hold for the next connection. */
export class TlsGate {
  readonly #server: Server;
  readonly #files: PemFiles;
  readonly #config: TlsServerConfig;
  readonly #context: ComponentContext;
  readonly #counters: string;
  /** Handshakes under way, by the far end's address and port: the secured socket is another object than the raw one. */
  readonly #shaking = new Map<string, Socket>();

  /** Throws HubError `config-invalid` where the certificates can't be read or used. */
  static async open(config: TlsServerConfig, options: TlsGateOptions): Promise<TlsGate> {
    const { certFile, keyFile, caFile } = config;
    const files = new PemFiles({ certFile, keyFile, caFile });
    try {
      return new TlsGate(config, files, (await files.changed()) ?? {}, options);
    } catch (thrown) {
      throw asHubError(thrown, 'config-invalid', `reading the TLS files of ${options.context.channel}`);
    }
  }

  private constructor(
    config: TlsServerConfig,
    files: PemFiles,
    pems: Pems,
    { context, counters, admit }: TlsGateOptions,
  ) {
    this.#config = config;
    this.#context = context;
    this.#counters = counters;
    this.#files = files;
    const required = config.clientCertificate === 'required';
    this.#server = createServer(
      {
        ...secureOptions(config, pems),
        requestCert: required,
        rejectUnauthorized: required,
        handshakeTimeout: HANDSHAKE_MS,
      },
      (socket) => {
        this.#shaking.delete(farEnd(socket));
        admit(socket);
      },
    );
    this.#server.on('tlsClientError', (_error, socket) => {
      context.count(`${counters}_tls_failures_total`);
      socket.destroy();
    });
  }

  /** Connections whose handshake is under way. */
  get shaking(): number {
    return this.#shaking.size;
  }

  /** Begins the handshake; the socket goes to `admit` when it has succeeded. */
  async secure(socket: Socket): Promise<void> {
    const end = farEnd(socket);
    this.#shaking.set(end, socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#shaking.delete(end));
    await this.#renew();
    if (!socket.destroyed) this.#server.emit('connection', socket);
  }

  close(): void {
    for (const socket of this.#shaking.values()) socket.destroy();
    this.#shaking.clear();
  }

  /** Files caught half-written leave the certificate in use as it is; the next connection looks again. */
  async #renew(): Promise<void> {
    try {
      const pems = await this.#files.changed();
      if (!pems) return;
      const options = secureOptions(this.#config, pems);
      createSecureContext(options);
      this.#server.setSecureContext(options);
      this.#context.log.info({ channel: this.#context.channel }, 'TLS certificate read again');
    } catch (thrown) {
      this.#context.count(`${this.#counters}_tls_reload_failures_total`);
      const { message } = asHubError(thrown, 'config-invalid', 'reading the changed TLS files');
      this.#context.log.warn({ channel: this.#context.channel, error: message }, 'TLS certificate not read again');
    }
  }
}

function farEnd(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

function secureOptions(config: TlsServerConfig, pems: Pems) {
  return {
    cert: pems.certFile,
    key: pems.keyFile,
    minVersion: config.minVersion,
    ...(pems.caFile === undefined ? undefined : { ca: pems.caFile }),
  };
}
