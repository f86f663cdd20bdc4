import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpointKinds } from '../../core/endpoint.ts';
import { type Certificates, certificates, missingOpenssl } from '../../core/net/testing/certificates.ts';
import { freePort } from '../../core/testing/free-port.ts';
import { type OwnService, ownService } from '../../core/testing/services.ts';
import { kafkaDriver } from './connection.ts';
import { reachBrokers } from './reach.ts';
import { prepared } from './record.ts';
import { SendQueue } from './send-queue.ts';
import { TestTopics } from './testing/topic.ts';

const own = await ownService('kafka', import.meta.filename);
const missing = own.missing ?? missingOpenssl();

/** A PEM file as the value of a property. */
const property = (path: string): string => readFileSync(path, 'utf8').trimEnd().replaceAll('\n', '\\n');
const listeners = (host: string): string =>
  [
    ...['PLAINTEXT:broker-1', 'SSL:tls', 'SASL_SSL:sasl-tls', 'SASL_PLAINTEXT:sasl'],
    ...(host === '' ? ['CONTROLLER:controller-1'] : []),
  ]
    .map((each) => each.replace(':', '://127.0.0.1:{port:').concat('}'))
    .join(',');

describe.skipIf(missing)('connecting to a broker with TLS and SASL', () => {
  let tls: Certificates;
  let server: OwnService;
  let ours: ReturnType<Certificates['issue']>;
  beforeAll(async () => {
    tls = certificates();
    ours = tls.issue('hub');
    const broker = tls.issue('broker');
    const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_weir="right";';
    const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
    server = await own.start({
      settings: {
        listeners: listeners(''),
        'advertised.listeners': listeners('advertised'),
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.certificate.chain': property(broker.certFile),
        'ssl.keystore.key': property(broker.keyFile),
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.certificates': property(tls.caFile),
        'listener.name.ssl.ssl.client.auth': 'required',
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
        'listener.name.sasl_ssl.plain.sasl.jaas.config': plain,
        'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': scram,
        'listener.name.sasl_plaintext.plain.sasl.jaas.config': plain,
        'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config': scram,
      },
    });
    await letIn('scram-weir', 'right');
  }, 60_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    tls?.[Symbol.dispose]();
  });

  /** A user of SCRAM-SHA-256, as kafka-configs makes one. */
  async function letIn(name: string, password: string): Promise<void> {
    const { Base, alterUserScramCredentialsV0 } = await kafkaDriver();
    const client = new Base({ clientId: 'test', bootstrapBrokers: [server.address], retries: 10, retryDelay: 200 });
    const salt = randomBytes(16);
    const saltedPassword = pbkdf2Sync(password, salt, 4096, 32, 'sha256');
    const { brokers } = await client.metadata({ topics: [] });
    const connection = await client.connections.get([...brokers.values()][0]!);
    await alterUserScramCredentialsV0.api.async(
      connection,
      [],
      [{ name, mechanism: 1, iterations: 4096, salt, saltedPassword }],
    );
    await client.close();
  }

  function endpoint(port: 'broker-1' | 'tls' | 'sasl-tls' | 'sasl', rest: object = {}) {
    return endpointKinds.kafka.parse({ brokers: [`127.0.0.1:${server.ports[port]}`], ...rest });
  }
  const user = (mechanism: string, name: string, password = 'right') => ({ sasl: { mechanism, user: name, password } });
  const trusted = (more: object = {}) => ({ tls: { caFile: tls.caFile, ...more } });
  const reach = (to: ReturnType<typeof endpoint>) => reachBrokers(to, 3000);

  it('gets in with TLS and a certificate of its own, with PLAIN over TLS, and with SCRAM', async () => {
    expect(await reach(endpoint('tls', trusted(ours)))).toBe('1 broker');
    expect(await reach(endpoint('sasl-tls', { ...trusted(), ...user('PLAIN', 'weir') }))).toBe('1 broker, logged in');
    expect(await reach(endpoint('sasl-tls', { ...trusted(), ...user('SCRAM-SHA-256', 'scram-weir') }))).toBe(
      '1 broker, logged in',
    );
    expect(await reach(endpoint('sasl', user('SCRAM-SHA-256', 'scram-weir')))).toBe('1 broker, logged in');
  });

  it('writes over TLS and SASL', async () => {
    await using topics = await TestTopics.at(server.address);
    const topic = await topics.make('secured');
    const queue = new SendQueue({
      endpoint: endpoint('sasl-tls', { ...trusted(), ...user('SCRAM-SHA-256', 'scram-weir') }),
      clientId: 'test',
      deliveryTimeoutMs: 10_000,
      onTrouble: () => undefined,
    });
    await queue.send([prepared({ topic, value: Buffer.from('over TLS'), headers: {} })]);
    await queue.close(1000);
    expect((await topics.records(topic)).map(({ value }) => value.toString())).toEqual(['over TLS']);
  });

  const mistakes: readonly (readonly [string, () => ReturnType<typeof endpoint>, RegExp])[] = [
    [
      'a wrong password',
      () => endpoint('sasl', user('SCRAM-SHA-256', 'scram-weir', 'wrong')),
      /sasl\.user, or its sasl\.password/,
    ],
    [
      'a wrong password of PLAIN',
      () => endpoint('sasl-tls', { ...trusted(), ...user('PLAIN', 'weir', 'wrong') }),
      /sasl\.password/,
    ],
    ['an unknown user', () => endpoint('sasl', user('SCRAM-SHA-256', 'nobody')), /sasl\.user/],
    ['a mechanism that is not offered', () => endpoint('sasl', user('SCRAM-SHA-512', 'scram-weir')), /sasl\.mechanism/],
    ['no login where one is wanted', () => endpoint('sasl'), /sasl/],
    ['no TLS where it is wanted', () => endpoint('tls'), /tls/],
    [
      'TLS where there is none',
      () => endpoint('broker-1', trusted()),
      /does not speak TLS on this port: brokers, or tls/,
    ],
    ['an authority that it does not know', () => endpoint('tls', { tls: ours }), /tls\.caFile/],
    ['no certificate of ours', () => endpoint('tls', trusted()), /our certificate: tls\.certFile|sasl or tls/],
    [
      'another name in the certificate',
      () => endpoint('tls', trusted({ ...ours, serverName: 'other' })),
      /tls\.serverName/,
    ],
    [
      'a file that is not there',
      () => endpoint('tls', { tls: { caFile: '/no/such/file.pem' } }),
      /tls\.caFile cannot be read: ENOENT/,
    ],
  ];
  it.for(mistakes)('names the setting: %s', async ([, wrong, names]) => {
    const thrown = await reach(wrong()).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ name: 'HubError', kind: 'transient', scope: 'destination' });
    expect((thrown as Error).message).toMatch(names);
    expect((thrown as Error).message).not.toContain('wrong');
  });

  it('says where nothing listens', async () => {
    const nowhere = endpointKinds.kafka.parse({ brokers: [`127.0.0.1:${await freePort()}`] });
    await expect(reach(nowhere)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

it('does not send a password in the clear', () => {
  const sasl = { mechanism: 'PLAIN', user: 'weir', password: 'x' };
  expect(endpointKinds.kafka.safeParse({ brokers: ['kafka:9092'], sasl }).success).toBe(false);
});
