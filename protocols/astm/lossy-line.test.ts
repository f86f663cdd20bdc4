import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACK, CR, ENQ, EOT, ETB, ETX, LF, NAK, STX } from './control.ts';
import { encodeFrame } from './frame.ts';
import { AstmLink } from './link.ts';
import type { LinkOutput } from './link-output.ts';

/** What happens to one write on its way. */
interface Fate {
  /** ms on the way; less than half of quietMs. */
  readonly delay: number;
  readonly harm: 'none' | 'lost' | 'cut' | 'changed' | 'noise';
  /** Which byte is harmed, modulo the length. */
  readonly at: number;
  /** What it becomes, or the noise. */
  readonly byte: number;
}

/** A line that no checksum modulo 256 could save is none to test with: at most one byte of a write is changed, and not into another reply. */
function onTheWay(bytes: Buffer, { harm, at, byte }: Fate): Buffer[] {
  const place = at % bytes.length;
  const reply = bytes.length === 1;
  switch (harm) {
    case 'none':
      return [bytes];
    case 'lost':
      return [];
    case 'cut':
      return reply ? [] : [bytes.subarray(0, place)];
    case 'changed': {
      const changed = Buffer.from(bytes);
      changed[place] = reply ? 0x7f : byte;
      return [changed];
    }
    case 'noise':
      return [Buffer.concat([Buffer.of(0x7e, 0x7d), bytes])];
    default:
      return harm satisfies never;
  }
}

interface Told {
  readonly sent: string[];
  readonly failed: { readonly content: string; readonly uncertain: boolean }[];
  readonly got: string[];
}

/** Two links and the line between them. Runs until nothing is on the way and nobody waits. */
class Line {
  readonly told: readonly [Told, Told] = [nothing(), nothing()];
  readonly #links = [new AstmLink({ role: 'host' }), new AstmLink({ role: 'instrument', sendTextBytes: 9 })] as const;
  readonly #wishes: readonly [string[], string[]];
  readonly #fates: readonly Fate[];
  #onTheWay: { readonly at: number; readonly to: 0 | 1; readonly bytes: Buffer }[] = [];
  #wishing: [string, string] = ['', ''];
  #decisions: { readonly at: number; readonly side: 0 | 1; readonly refuse: boolean; readonly content: string }[] = [];
  #writes = 0;
  #now = 0;
  /** The line is in order again: what was sent earlier arrives before what is sent later. */
  #free: [number, number] = [0, 0];

  constructor(wishes: readonly [readonly string[], readonly string[]], fates: readonly Fate[]) {
    this.#wishes = [[...wishes[0]], [...wishes[1]]];
    this.#fates = fates;
  }

  run(): void {
    for (let steps = 0; steps < 20_000; steps++) {
      for (const side of [0, 1] as const) this.#wish(side);
      const next = this.#next();
      if (next === undefined) return;
      this.#now = Math.max(this.#now, next);
      this.#step();
    }
    throw new Error('running a line: it never comes to rest');
  }

  #wish(side: 0 | 1): void {
    if (this.#links[side].sending) return;
    const wish = this.#wishes[side].shift();
    if (wish === undefined) return;
    this.#wishing[side] = wish;
    this.#do(side, this.#links[side].send(Buffer.from(wish), this.#now));
  }

  #next(): number | undefined {
    const times = [
      ...this.#onTheWay.map(({ at }) => at),
      ...this.#decisions.map(({ at }) => at),
      ...this.#links.map(({ deadline }) => deadline ?? Number.POSITIVE_INFINITY),
    ];
    const next = Math.min(...times);
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  #step(): void {
    const arriving = this.#onTheWay.filter(({ at }) => at <= this.#now);
    this.#onTheWay = this.#onTheWay.filter(({ at }) => at > this.#now);
    for (const { to, bytes } of arriving) this.#do(to, this.#links[to].receive(bytes, this.#now));
    const due = this.#decisions.filter(({ at }) => at <= this.#now);
    this.#decisions = this.#decisions.filter(({ at }) => at > this.#now);
    for (const { side, refuse, content } of due) {
      if (!refuse) this.told[side].got.push(content);
      const link = this.#links[side];
      this.#do(side, refuse ? link.refuse(this.#now) : link.accept(this.#now));
    }
    for (const side of [0, 1] as const) this.#do(side, this.#links[side].tick(this.#now));
  }

  #do(side: 0 | 1, outputs: readonly LinkOutput[]): void {
    for (const output of outputs) {
      if (output.kind === 'write') this.#put(side, output.bytes);
      else if (output.kind === 'sent') this.told[side].sent.push(this.#wishing[side]);
      else if (output.kind === 'failed') {
        this.told[side].failed.push({ content: this.#wishing[side], uncertain: output.uncertain });
      } else if (output.kind === 'message') {
        const { delay, at } = this.#fate();
        const content = output.content.toString();
        // Some decisions take longer than the sender waits.
        const takes = at % 11 === 0 ? 17_000 : delay;
        this.#decisions.push({ at: this.#now + takes, side, refuse: at % 7 === 0, content });
      }
    }
  }

  #put(side: 0 | 1, bytes: Buffer): void {
    const to = side === 0 ? 1 : 0;
    const fate = this.#fate();
    const at = Math.max(this.#now + fate.delay, this.#free[to]);
    this.#free[to] = at;
    for (const arriving of onTheWay(bytes, fate)) {
      if (arriving.length > 0) this.#onTheWay.push({ at, to, bytes: arriving });
    }
  }

  #fate(): Fate {
    return this.#fates[this.#writes++] ?? { delay: 1, harm: 'none', at: 1, byte: 0 };
  }
}

function nothing(): Told {
  return { sent: [], failed: [], got: [] };
}

const structural = new Set([STX, ETX, ETB, 0]);
const fate: fc.Arbitrary<Fate> = fc.record({
  delay: fc.integer({ min: 0, max: 400 }),
  harm: fc.constantFrom('none', 'none', 'none', 'none', 'lost', 'cut', 'changed', 'noise'),
  at: fc.nat(40),
  byte: fc.integer({ min: 1, max: 127 }).filter((byte) => !structural.has(byte)),
});
const wishesOf = (side: string) =>
  fc
    .array(fc.array(fc.stringMatching(/^[A-KM-Z|^]{0,14}$/), { maxLength: 3 }), { maxLength: 3 })
    .map((messages) =>
      messages.map((records, at) => `H|${side}${at}\r${records.map((r) => `C${r}\r`).join('')}L|1|N\r`),
    );

describe('two links on a bad line', { timeout: 60_000 }, () => {
  it('property: each message is delivered once or its failure is told, and never twice', () => {
    const seen = { sent: 0, failed: 0, uncertain: 0, gone: 0 };
    fc.assert(
      fc.property(wishesOf('a'), wishesOf('b'), fc.array(fate, { maxLength: 60 }), (first, second, fates) => {
        const line = new Line([first, second], fates);
        line.run();
        for (const [wishes, { sent, failed }, { got }] of [
          [first, line.told[0], line.told[1]],
          [second, line.told[1], line.told[0]],
        ] as const) {
          expect([...sent, ...failed.map(({ content }) => content)].toSorted()).toEqual([...wishes].toSorted());
          expect(new Set(got).size).toBe(got.length);
          for (const content of sent) expect(got).toContain(content);
          for (const content of got) expect(wishes).toContain(content);
          for (const { content, uncertain } of failed) if (!uncertain) expect(got).not.toContain(content);
          expect(got).toEqual(wishes.filter((wish) => got.includes(wish)));
          seen.sent += sent.length;
          seen.failed += failed.length;
          seen.uncertain += failed.filter(({ uncertain }) => uncertain).length;
          seen.gone += failed.filter(({ content }) => got.includes(content)).length;
        }
      }),
      { numRuns: 4_000 },
    );
    // The line must have been bad enough for each of them.
    expect(seen.sent).toBeGreaterThan(500);
    expect(seen.failed).toBeGreaterThan(500);
    expect(seen.uncertain).toBeGreaterThan(8);
    expect(seen.gone).toBeGreaterThan(0);
  });

  it('property: on a good line everything arrives, in order, both ways', () => {
    const good = fc.record({
      delay: fc.integer({ min: 0, max: 400 }),
      harm: fc.constant<'none'>('none'),
      at: fc.constant(1),
      byte: fc.constant(0),
    });
    fc.assert(
      fc.property(wishesOf('a'), wishesOf('b'), fc.array(good, { maxLength: 60 }), (first, second, fates) => {
        const line = new Line([first, second], fates);
        line.run();
        expect(line.told.map(({ got }) => got)).toEqual([second, first]);
        expect(line.told.map(({ sent }) => sent)).toEqual([first, second]);
      }),
    );
  });
});

describe('what a link makes of a stream', { timeout: 60_000 }, () => {
  const piece = fc.oneof(
    fc.constantFrom(...[ENQ, EOT, STX, ETX, ETB, ACK, NAK, CR, LF].map((byte) => Buffer.of(byte))),
    fc
      .tuple(fc.nat(9), fc.constantFrom('H|\\^&\r', 'P|1\r', 'L|1|N\r', 'C|1|half', ''), fc.boolean())
      .map(([number, text, last]) => encodeFrame(number, Buffer.from(text), last)),
    fc.uint8Array({ maxLength: 5 }).map((noise) => Buffer.from(noise)),
  );
  const stream = fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.concat([Buffer.of(ENQ), ...pieces]));
  const outputs = (chunks: readonly Buffer[], link = new AstmLink({ role: 'host', maxMessageBytes: 60 })) => {
    const all: string[] = [];
    for (const chunk of chunks) {
      let out = link.receive(chunk, 0);
      for (const output of out) all.push(JSON.stringify(output));
      if (link.deciding) {
        out = link.accept(0);
        for (const output of out) all.push(JSON.stringify(output));
      }
    }
    for (const output of link.tick(1_000)) all.push(JSON.stringify(output));
    for (const output of link.end()) all.push(JSON.stringify(output));
    return all;
  };

  it('property: is the same however it is cut, messages apart', () => {
    const undecided = (whole: Buffer) => !whole.includes('L|1|N');
    fc.assert(
      fc.property(stream.filter(undecided), fc.array(fc.nat(300), { maxLength: 12 }), (whole, cuts) => {
        const places = [0, ...cuts.map((at) => Math.min(at, whole.length)).toSorted((a, b) => a - b), whole.length];
        const chunks = places.slice(1).map((end, index) => whole.subarray(places[index], end));
        expect(outputs(chunks)).toEqual(outputs([whole]));
        expect(outputs([...whole].map((byte) => Buffer.of(byte)))).toEqual(outputs([whole]));
      }),
      { numRuns: 1_000 },
    );
  });

  it('property: any garbage is survived, and the next transmission after it is taken', () => {
    fc.assert(
      fc.property(stream, (whole) => {
        const link = new AstmLink({ role: 'host' });
        link.receive(whole, 0);
        if (link.deciding) link.accept(0);
        link.tick(1_000);
        link.receive(Buffer.of(EOT), 2_000);
        link.tick(4_000);
        if (link.deciding) link.accept(4_000);
        link.receive(Buffer.of(EOT), 5_000);
        expect(link.tick(40_000).filter(({ kind }) => kind === 'write')).toEqual([]);
        expect(link.neutral).toBe(true);
        const taken = link.receive(Buffer.concat([Buffer.of(ENQ), encodeFrame(1, Buffer.from('L|1\r'), true)]), 41_000);
        expect(taken.map(({ kind }) => kind)).toEqual(['write', 'message']);
      }),
      { numRuns: 1_000 },
    );
  });

  it('property: however it is truncated, silence tells what was begun as incomplete', () => {
    const records = ['H|\\^&\r', 'P|1\r', 'O|1\r', 'L|1|N\r'];
    const frames = records.map((text, at) => encodeFrame(at + 1, Buffer.from(text), true));
    const whole = Buffer.concat([Buffer.of(ENQ), ...frames]);
    for (let length = 0; length < whole.length - 2; length++) {
      const link = new AstmLink({ role: 'host' });
      link.receive(whole.subarray(0, length), 0);
      const after = [...link.tick(1_000), ...link.tick(100_000)];
      const told = after.flatMap((output) => (output.kind === 'incomplete' ? [output.content.toString()] : []));
      const begun = length >= 1 + frames[0]!.length - 2;
      expect(told.length).toBe(begun && !link.deciding ? 1 : 0);
      if (begun && !link.deciding) expect(records.join('').startsWith(told[0]!)).toBe(true);
      expect(link.neutral || link.deciding).toBe(true);
    }
  });

  it('holds no more than a message and a frame, whatever comes', () => {
    const link = new AstmLink({ role: 'host', maxMessageBytes: 100_000, receiveTextBytes: 1_000 });
    const frames = Array.from({ length: 8 }, (_, n) => encodeFrame(n, Buffer.alloc(1_000, 'x'), false));
    const noise = Buffer.alloc(10_000, 'y');
    link.receive(Buffer.of(ENQ), 0);
    const before = process.memoryUsage().arrayBuffers;
    let shown = 0;
    for (let n = 1; n <= 3_000; n++) {
      for (const output of link.receive(frames[n % 8]!, n)) {
        if (output.kind === 'incomplete') shown += output.content.length;
      }
      link.receive(noise, n);
    }
    link.receive(Buffer.of(STX, 0x31), 10_000);
    for (let n = 1; n <= 3_000; n++) link.receive(noise, 10_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(25_000_000);
    expect(shown).toBe(65_536);
    expect(link.stray).toBe(30_000_000);
  });
});
