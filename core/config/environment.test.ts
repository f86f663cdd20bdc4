import { describe, expect, it } from 'vitest';
import { endpointKinds } from '../endpoint.ts';
import { readEnvironment } from './environment.ts';
import { describeProblem } from './problem.ts';

const sources = {
  environment: { LAB_HOST: 'lab.example', MAIL_PASSWORD: 'open sesame' },
  readFile: (path: string) => ({ '/run/secrets/port': '6661\n', '/run/secrets/lab-key': 'a private key\n' })[path],
  stateDir: '/var/lib/weir',
};

function read(text: string) {
  return readEnvironment('env/test.yaml', '/etc/weir/env/test.yaml', text, sources);
}

describe('an environment file', () => {
  it('gives endpoints by name with their defaults, paths starting at its folder', () => {
    expect(
      read(`endpoints:
  in: { kind: tcp-listen, listen: 2575, tls: { certFile: hub.pem, keyFile: /keys/hub.key } }
  out: { kind: tcp-connect, host: '\${env:LAB_HOST}', port: 6661 }
  archive: { kind: directory, path: ../archive }
  own: { kind: directory, path: '\${stateDir}/own' }
`),
    ).toEqual({
      ok: true,
      value: {
        endpoints: {
          in: {
            ...{ kind: 'tcp-listen', listen: 2575, host: '127.0.0.1' },
            tls: {
              certFile: '/etc/weir/env/hub.pem',
              keyFile: '/keys/hub.key',
              clientCertificate: 'none',
              minVersion: 'TLSv1.2',
            },
          },
          out: { kind: 'tcp-connect', host: 'lab.example', port: 6661 },
          archive: { kind: 'directory', path: '/etc/weir/archive' },
          own: { kind: 'directory', path: '/var/lib/weir/own' },
        },
      },
    });
  });

  it('names every mistake at its place', () => {
    const result = read(`endpoints:
  in: { listen: 2575 }
  out: { kind: tcp-connect, host: '\${env:NO_SUCH}', port: 70000 }
  line: { kind: carrier-pigeon }
  more: { kind: directory, path: /a, depth: 3 }
`);
    expect(result.ok ? [] : result.problems.map(describeProblem)).toEqual([
      'env/test.yaml:3:35 reference-unresolved endpoints.out.host: ${env:NO_SUCH} leads nowhere',
      `env/test.yaml:2:7 key-missing endpoints.in.kind is missing; known: ${Object.keys(endpointKinds).sort().join(', ')}`,
      expect.stringMatching(/^env\/test\.yaml:3:59 value-invalid endpoints\.out\.port: /),
      expect.stringMatching(/^env\/test\.yaml:4:17 value-invalid endpoints\.line\.kind: /),
      'env/test.yaml:5:38 key-unknown endpoints.more.depth: no such key',
    ]);
  });

  const fingerprint = `SHA256:${'Ab3+/'.repeat(8)}abc`;

  it('takes secrets from where their references lead', () => {
    expect(
      read(`endpoints:
  drop: { kind: sftp, host: lab.example, user: weir, privateKey: '\${file:/run/secrets/lab-key}', hostKeys: ['${fingerprint}'] }
  mail: { kind: smtp, host: mail.example, user: weir, password: '\${env:MAIL_PASSWORD}', tls: { caFile: ca.pem } }
`),
    ).toEqual({
      ok: true,
      value: {
        endpoints: {
          drop: {
            ...{ kind: 'sftp', host: 'lab.example', port: 22, user: 'weir', privateKey: 'a private key' },
            hostKeys: [fingerprint],
          },
          mail: {
            ...{ kind: 'smtp', host: 'mail.example', port: 587, security: 'starttls', user: 'weir' },
            password: 'open sesame',
            tls: { caFile: '/etc/weir/env/ca.pem', minVersion: 'TLSv1.2' },
          },
        },
      },
    });
  });

  it('refuses a secret that stands in it, without repeating it', () => {
    const result = read(`endpoints:
  drop: { kind: sftp, host: lab.example, user: weir, password: hunter2, hostKeys: ['${fingerprint}'] }
  also: { kind: sftp, host: lab.example, user: weir, password: 'x\${env:MAIL_PASSWORD}', hostKeys: ['${fingerprint}'] }
  mail: { kind: smtp, host: mail.example, user: weir, password: '' }
  portal: { kind: bearer-token, token: hunter2 }
`);
    const problems = result.ok ? [] : result.problems.map(describeProblem);
    expect(problems).toEqual([
      'env/test.yaml:2:64 value-invalid endpoints.drop.password: a secret is a reference, ${env:NAME} or ${file:path}',
      'env/test.yaml:3:64 value-invalid endpoints.also.password: a secret is a reference, ${env:NAME} or ${file:path}',
      expect.stringMatching(/^env\/test\.yaml:4:65 value-invalid endpoints\.mail\.password: /),
      'env/test.yaml:5:40 value-invalid endpoints.portal.token: a secret is a reference, ${env:NAME} or ${file:path}',
    ]);
    expect(problems.join()).not.toMatch(/hunter2|sesame/);
  });

  it.for([
    ['without a host key', 'kind: sftp, host: a, user: b, password: "${env:MAIL_PASSWORD}"', 'hostKeys'],
    ['with one that is no fingerprint', 'kind: sftp, host: a, user: b, hostKeys: ["ab:cd"]', 'hostKeys.0'],
    [
      'with nothing to log in with',
      `kind: sftp, host: a, user: b, hostKeys: ["${fingerprint}"]`,
      'privateKey is missing',
    ],
    ['with a user and no password', 'kind: smtp, host: a, user: b', 'go together'],
    [
      'that would send a password in the clear',
      'kind: smtp, host: a, security: none, user: b, password: "${env:MAIL_PASSWORD}"',
      'without TLS',
    ],
  ] as const)('refuses an endpoint %s', ([, endpoint, about]) => {
    const result = read(`endpoints: { it: { ${endpoint} } }`);
    expect(result.ok ? '' : result.problems.map(describeProblem).join()).toContain(about);
  });

  it('takes the address of a server without name, password or query in it', () => {
    const address = (url: string) => read(`endpoints: { api: { kind: http, url: '${url}' } }`).ok;
    expect(address('https://lab.example:8443/api')).toBe(true);
    for (const url of ['lab.example', 'ftp://lab.example', 'https://a:b@lab.example', 'https://lab.example/?key=1'])
      expect(address(url)).toBe(false);
  });

  it.for([
    ['processing: P', { id: 'P', accepts: ['P'] }],
    ['processing: T', { id: 'T', accepts: ['P', 'T', 'D'] }],
    ['processing: T\nacceptProcessing: [T, D]', { id: 'T', accepts: ['T', 'D'] }],
  ] as const)('says what the hub is for: %j', ([text, processing]) => {
    expect(read(`zone: Europe/Berlin\n${text}\n`)).toEqual({
      ok: true,
      value: { endpoints: {}, zone: 'Europe/Berlin', processing },
    });
  });

  it('refuses a zone or a processing that is none', () => {
    const result = read('zone: Berlin\nprocessing: X\nacceptProcessing: []\n');
    expect(result.ok ? [] : result.problems.map(describeProblem)).toEqual([
      'env/test.yaml:1:7 value-invalid zone: a time zone like Europe/Berlin',
      expect.stringMatching(/^env\/test\.yaml:2:13 value-invalid processing: /),
      expect.stringMatching(/^env\/test\.yaml:3:19 value-invalid acceptProcessing: /),
    ]);
  });

  it('may be empty', () => {
    expect(read('')).toEqual({ ok: true, value: { endpoints: {} } });
  });
});
