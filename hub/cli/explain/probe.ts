import type { Erased, StepDefinition } from '../../../core/channel.ts';
import type { Message } from '../../../core/message.ts';
import { parse } from '../../../protocols/hl7v2/message.ts';
import type { Facts, Truth } from '../filters/filter-truth.ts';

type FilterStep = StepDefinition & { readonly kind: 'filter' };

/** What a filter written in TypeScript says of a message of which only the type is known, and which paths it read beside that. */
export function probe(
  { filter }: FilterStep,
  facts: Facts,
): { readonly truth: Truth; readonly reads: readonly string[] } {
  const reads = new Set<string>();
  const type = [facts.get('MSH-9.1') ?? '', facts.get('MSH-9.2') ?? ''].join('^');
  const skeleton = parse(Buffer.from(`MSH|^~\\&|||||||${type}|X|P|2.5.1\r`));
  const watched: object = new Proxy(skeleton, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') {
        if (name !== 'type') reads.add(String(name));
        return value;
      }
      return (...given: readonly unknown[]) => {
        for (const path of given) reads.add(typeof path === 'string' ? path : String(name));
        if (given.length === 0) reads.add(String(name));
        return (value as (...given: readonly unknown[]) => unknown).apply(target, [...given]);
      };
    },
  });
  const message = {
    id: 'probe',
    seq: 1,
    channel: 'probe',
    keys: [''],
    receivedAt: 0,
    version: '',
    meta: {},
    payload: watched,
  };
  try {
    const predicate = typeof filter === 'function' ? filter : filter.create();
    const passes = predicate(watched as Erased, message as unknown as Message<Erased>);
    const others = [...reads].filter((path) => !/^MSH-9(?:\.[12])?$/.test(path));
    return { truth: others.length > 0 ? 'depends' : passes ? 'yes' : 'no', reads: others };
  } catch {
    return { truth: 'depends', reads: [...reads] };
  }
}
