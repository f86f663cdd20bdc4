import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Header and body, as they came. */
  readonly text: string;
  readonly secured: boolean;
  readonly user: string | undefined;
}

/** What the server says instead: a line, nothing, or the end of the connection. */
export type Said = string | 'silence' | 'reset' | undefined;

/** A mail server for one test (RFC 5321, RFC 3207, RFC 4954) that says what the test tells it. */
export interface MailServer extends AsyncDisposable {
  readonly port: number;
  readonly mails: readonly ReceivedMail[];
  /** Every command, passwords too. */
  readonly commands: readonly string[];
  password: string;
  /** Lines of its answer to EHLO. */
  offers: string[];
  /** Asked before each answer: `CONNECT`, `EHLO`, `MAIL FROM:…`, `RCPT TO:…`, `DATA`, and `.` after the mail. */
  say: (command: string) => Said;
}

interface Session {
  socket: Socket;
  buffered: string;
  from: string;
  to: string[];
  user: string | undefined;
  data: boolean;
}

export async function mailServer(
  tls?: { readonly certFile: string; readonly keyFile: string },
  implicit = false,
): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  const keys = tls && { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    const session: Session = { socket, buffered: '', from: '', to: [], user: undefined, data: false };
    if (implicit) secure(session);
    else listen(session);
    answer(session, 'CONNECT', '220 mail.example ESMTP');
  });

  function secure(session: Session): void {
    session.socket.removeAllListeners('data');
    session.socket = new TLSSocket(session.socket, { isServer: true, ...keys });
    session.socket.on('error', () => undefined);
    listen(session);
  }

  function listen(session: Session): void {
    session.socket.setEncoding('latin1').on('data', (chunk: string) => {
      session.buffered += chunk;
      for (let end = endOf(session); end !== undefined; end = endOf(session)) {
        const text = session.buffered.slice(0, end.at);
        session.buffered = session.buffered.slice(end.at + end.length);
        if (session.data) delivered(session, text);
        else command(session, text);
      }
    });
  }

  function endOf({ data, buffered }: Session): { readonly at: number; readonly length: number } | undefined {
    const mark = data ? '\r\n.\r\n' : '\r\n';
    const at = buffered.indexOf(mark);
    return at < 0 ? undefined : { at, length: mark.length };
  }

  function delivered(session: Session, text: string): void {
    session.data = false;
    const mail = {
      from: session.from,
      to: session.to,
      text: text.replaceAll('\r\n..', '\r\n.'),
      secured: session.socket instanceof TLSSocket,
      user: session.user,
    };
    session.to = [];
    if (answer(session, '.', '250 2.0.0 taken')) mails.push(mail);
  }

  /** True: it said yes. */
  function answer(session: Session, command: string, usual: string): boolean {
    const said = scripted.say(command) ?? usual;
    if (said === 'reset') session.socket.destroy();
    else if (said !== 'silence') session.socket.write(`${said}\r\n`);
    return /^[23]/.test(said);
  }

  function command(session: Session, line: string): void {
    commands.push(line);
    const verb = line.split(/[ :]/)[0]?.toUpperCase() ?? '';
    switch (verb) {
      case 'EHLO': {
        const secured = session.socket instanceof TLSSocket;
        const offers = ['mail.example', ...scripted.offers, ...(keys && !secured ? ['STARTTLS'] : [])];
        answer(
          session,
          'EHLO',
          offers.map((each, at) => `250${at < offers.length - 1 ? '-' : ' '}${each}`).join('\r\n'),
        );
        return;
      }
      case 'STARTTLS':
        if (answer(session, 'STARTTLS', '220 go ahead')) secure(session);
        return;
      case 'AUTH': {
        const [, user, password] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
          .toString()
          .split('\0');
        if (password === scripted.password) session.user = user;
        answer(session, 'AUTH', password === scripted.password ? '235 welcome' : `535 not you, ${user}`);
        return;
      }
      case 'MAIL':
        session.from = /<(.*?)>/.exec(line)?.[1] ?? '';
        answer(session, line, '250 ok');
        return;
      case 'RCPT':
        if (answer(session, line, '250 ok')) session.to.push(/<(.*?)>/.exec(line)?.[1] ?? '');
        return;
      case 'DATA':
        session.data = answer(session, 'DATA', '354 go on');
        return;
      case 'QUIT':
        session.socket.end('221 bye\r\n');
        return;
      default:
        answer(session, line, '250 ok');
    }
  }

  const scripted = {
    password: 'open sesame',
    offers: ['SIZE 10000000', '8BITMIME', 'AUTH PLAIN'],
    say: (_command: string): Said => undefined,
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP address');
  return Object.assign(scripted, {
    port: address.port,
    mails,
    commands,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}
