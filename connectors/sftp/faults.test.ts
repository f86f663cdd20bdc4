import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedServer, scriptedServer } from '../../adapters/sftp/testing/scripted-server.ts';
import { fakeDestinationContext } from '../../core/testing/contexts.ts';
import { outcomesOf } from '../../core/testing/destination-suite.ts';
import { outgoing } from '../../core/testing/outgoing.ts';
import { sftp } from './sftp.ts';

const permissionDenied = 3;
const failure = 4;
const message = outgoing({ number: 1, payload: undefined, bytes: Buffer.from('message 1') });

describe('the sftp destination, against a server that misbehaves', () => {
  let server: ScriptedServer;
  let open = new AsyncDisposableStack();
  beforeEach(async () => {
    server = open.use(await scriptedServer());
  });
  afterEach(async () => {
    await open.disposeAsync();
    open = new AsyncDisposableStack();
  });

  function destination(config: Partial<Parameters<typeof sftp>[0]> = {}) {
    const context = fakeDestinationContext({ endpoints: { out: server.endpoint() } });
    return open.use(sftp({ endpoint: 'out', name: 'name.hl7', ...config }).create(context));
  }

  it.for(['refuse', 'replace'] as const)('needs no extension of OpenSSH to %s', async (exists) => {
    const to = destination({ exists });
    if (exists === 'replace') server.files.set('name.hl7', { content: Buffer.from('before') });
    expect(await outcomesOf(to, [message])).toEqual([{ status: 'sent' }]);
    expect([...server.files].map(([name, { content }]) => [name, String(content)])).toEqual([
      ['name.hl7', 'message 1'],
    ]);
  });

  it.for([
    ['OPEN', permissionDenied, 'permission denied'],
    ['WRITE', failure, 'failure'],
    ['CLOSE', failure, 'failure'],
    ['RENAME', permissionDenied, 'permission denied'],
  ] as const)('rule 15: %s refused with status %i is an error of the destination, in words of our own', async ([
    request,
    status,
    text,
  ]) => {
    const to = destination();
    server.fault = (each) => (each === request ? status : undefined);
    expect(await outcomesOf(to, [message, message])).toMatchObject([
      {
        status: 'error',
        error: { kind: 'transient', scope: 'destination', message: `uploading a file to out: ${text}` },
      },
      { status: 'untried' },
    ]);
    server.fault = () => undefined;
    expect([...server.files.keys()]).toEqual([]);
    expect(await outcomesOf(to, [message])).toEqual([{ status: 'sent' }]);
  });

  it.for([
    'LSTAT',
    'OPEN',
    'WRITE',
    'CLOSE',
    'RENAME',
  ] as const)('rule 19: %s that is never answered leaves it uncertain, and the next attempt makes it whole', async (request) => {
    const to = destination({ replyTimeoutMs: 400 });
    for (const fault of ['silence', 'reset'] as const) {
      server.fault = (each) => (each === request ? fault : undefined);
      expect(await outcomesOf(to, [message])).toMatchObject([{ status: 'uncertain', error: { scope: 'destination' } }]);
    }
    server.fault = () => undefined;
    expect(await outcomesOf(to, [message])).toEqual([{ status: 'sent' }]);
    expect([...server.files.keys()]).toEqual(['name.hl7']);
  });

  it('tells a name that another writer took on the way from a server that fails', async () => {
    const to = destination();
    server.fault = (request) => {
      if (request === 'RENAME') server.files.set('name.hl7', { content: Buffer.from('another') });
      return undefined;
    };
    expect(await outcomesOf(to, [message])).toMatchObject([
      { status: 'error', error: { kind: 'permanent', scope: 'message' } },
    ]);
    expect(String(server.files.get('name.hl7')?.content)).toBe('another');
  });

  it('rule 15: a password that was revoked is an error of the destination, and is never said', async () => {
    server.password = 'a new one';
    const [outcome] = await outcomesOf(destination(), [message]);
    expect(outcome).toMatchObject({
      status: 'error',
      error: { code: 'refused', kind: 'transient', scope: 'destination' },
    });
    expect(outcome?.status === 'error' && outcome.error.message).not.toContain('sesame');
  });
});
