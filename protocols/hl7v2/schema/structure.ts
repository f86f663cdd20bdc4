import { Automaton } from './automaton.ts';
import type { GroupNode } from './definition.ts';
import type { Version } from './versions.ts';

/** A message structure (`ADT_A01`) of one version: its tree, and what groups messages by it. */
export class Structure {
  readonly name: string;
  readonly version: Version;
  readonly root: GroupNode;
  #automaton: Automaton | undefined;
  #segmentNames: ReadonlySet<string> | undefined;

  constructor(version: Version, root: GroupNode) {
    this.name = root.name;
    this.version = version;
    this.root = root;
  }

  /** The names of the segments that it has a place for; `any` and `local` where the standard leaves them open. */
  get segmentNames(): ReadonlySet<string> {
    this.#segmentNames ??= new Set(namesUnder(this.root));
    return this.#segmentNames;
  }

  /** Made when the first message is grouped. */
  get automaton(): Automaton {
    this.#automaton ??= new Automaton(this.root);
    return this.#automaton;
  }
}

function namesUnder(group: GroupNode): string[] {
  return group.children.flatMap((node) => (node.kind === 'segment' ? [node.name] : namesUnder(node)));
}
