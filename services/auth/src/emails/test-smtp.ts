import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** A mail server that keeps what it takes (RFC 5321), without TLS. */
export type TestSmtp = {
  url: string;
  /** Each mail as it came, line ends included, with its envelope. */
  mails: { from: string; to: string[]; data: string }[];
  /** What clients said outside of mails. */
  commands: string[];
  /** Answers the next command that begins so in this way, once; `undefined` says nothing at all. */
  answerNext(command: string, answer: string | undefined): void;
  close(): Promise<void>;
};

export async function startTestSmtp(options: { starttls?: boolean } = {}): Promise<TestSmtp> {
  const mails: TestSmtp['mails'] = [];
  const commands: string[] = [];
  const answers = new Map<string, string | undefined>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    converse(socket, { mails, commands, answers, starttls: options.starttls ?? false });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the mail server has no port');
  return {
    url: `smtp://127.0.0.1:${address.port}`,
    mails,
    commands,
    answerNext: (command, answer) => void answers.set(command, answer),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

type Conversation = {
  mails: TestSmtp['mails'];
  commands: string[];
  answers: Map<string, string | undefined>;
  starttls: boolean;
};

function converse(socket: Socket, { mails, commands, answers, starttls }: Conversation): void {
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  const answer = (command: string, usual: string): boolean => {
    if (!answers.has(command)) {
      say(usual);
      return true;
    }
    const other = answers.get(command);
    answers.delete(command);
    if (other !== undefined) say(other);
    return other?.startsWith('2') === true || other?.startsWith('3') === true;
  };
  let mail = { from: '', to: [] as string[], data: '' };
  let inData = false;
  say('220 mail.test ready');
  createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
    if (inData) {
      if (line !== '.') mail.data += `${line.startsWith('..') ? line.slice(1) : line}\r\n`;
      else {
        inData = false;
        if (answer('.', '250 taken')) mails.push(mail);
        mail = { from: '', to: [], data: '' };
      }
      return;
    }
    commands.push(line);
    const address = /<([^>]*)>/.exec(line)?.[1] ?? '';
    if (line.startsWith('EHLO')) say(starttls ? '250-mail.test\r\n250 STARTTLS' : '250 mail.test');
    else if (line.startsWith('MAIL')) {
      if (answer('MAIL', '250 ok')) mail.from = address;
    } else if (line.startsWith('RCPT')) {
      if (answer('RCPT', '250 ok')) mail.to.push(address);
    } else if (line === 'DATA') inData = answer('DATA', '354 go on');
    else if (line === 'QUIT') socket.end('221 bye\r\n');
    else say('250 ok');
  });
}
