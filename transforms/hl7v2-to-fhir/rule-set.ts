import type { Dropped, RuleMap, Rules } from './conversion.ts';
import type { Rule } from './rule.ts';
import { officialRules, SegmentMap, segmentMap } from './segment-map.ts';

/** What the layers of a site have come to. */
export interface SiteRules {
  /** The maps that differ from the official ones, and those of segments and resources that have none, whole: `ZPI[Patient]`. */
  readonly maps: ReadonlyMap<string, readonly Rule[]>;
  /** By field: `PID-17`. */
  readonly dropped: ReadonlyMap<string, Dropped>;
}

/** The rules that a channel converts by, made once, when it is loaded. */
export class RuleSet implements Rules {
  readonly #maps = new Map<string, SegmentMap>();
  readonly #beside = new Map<string, SegmentMap[]>();
  readonly #dropped: ReadonlyMap<string, Dropped>;

  constructor({ maps, dropped }: SiteRules) {
    this.#dropped = dropped;
    for (const [name, rules] of maps) {
      const map = new SegmentMap(name, rules, true);
      this.#maps.set(name, map);
      if (Object.hasOwn(officialRules, name)) continue;
      const segment = name.slice(0, 3);
      const known = this.#beside.get(segment);
      if (known) known.push(map);
      else this.#beside.set(segment, [map]);
    }
  }

  map(name: string): RuleMap {
    return this.#maps.get(name) ?? segmentMap(name);
  }

  beside(segment: string): readonly RuleMap[] {
    return this.#beside.get(segment) ?? none;
  }

  dropped(segment: string, field: number): Dropped | undefined {
    return this.#dropped.size === 0 ? undefined : this.#dropped.get(`${segment}-${field}`);
  }
}

const none: readonly RuleMap[] = [];

/** The official rules alone. */
export const official: Rules = new RuleSet({ maps: new Map(), dropped: new Map() });
