// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written so
import { describe, expect, it } from 'vitest';
import { readEnvironment } from './environment.ts';
import { describeProblem } from './problem.ts';

const sources = {
  environment: { LAB_HOST: 'lab.example' },
  readFile: (path: string) => (path === '/run/secrets/port' ? '6661\n' : undefined),
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
      'env/test.yaml:2:7 key-missing endpoints.in.kind is missing; known: directory, tcp-connect, tcp-listen',
      expect.stringMatching(/^env\/test\.yaml:3:59 value-invalid endpoints\.out\.port: /),
      expect.stringMatching(/^env\/test\.yaml:4:17 value-invalid endpoints\.line\.kind: /),
      'env/test.yaml:5:38 key-unknown endpoints.more.depth: no such key',
    ]);
  });

  it('may be empty', () => {
    expect(read('')).toEqual({ ok: true, value: { endpoints: {} } });
  });
});
