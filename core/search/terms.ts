import type { Extractor } from './extractor.ts';
import type { FeedMessage } from './feed.ts';
import { normalised, originTerm } from './normalise.ts';

/** More than any message has, unless it is hostile. */
const mostTerms = 1_000;

/** What of a message is to be looked at. */
export interface Looking {
  /** The content, too, and not only meta and what was made here. */
  readonly withContent: boolean;
  /** What was received is indexed already: with its content, or without. Absent where the message is new to the index. */
  readonly before?: { readonly withContent: boolean } | undefined;
}

/**
 * Adds to `terms` what a message is found by: identifiers of what was received and of what was sent, and the messages that it came
 * from. What the extractor throws is thrown with `terms` as far as they are.
 */
export function addTerms(
  terms: Set<string>,
  extractor: Extractor,
  message: FeedMessage,
  { withContent, before }: Looking,
): void {
  const { id, meta, settled } = message;
  if (!before || (withContent && !before.withContent)) {
    for (const origin of extractor.origins(meta)) if (origin !== id) terms.add(originTerm(origin));
    add(terms, extractor.received(withContent ? message : { meta }));
  }
  for (const part of settled?.parts ?? []) {
    const { destination, n, effectId } = part;
    add(terms, extractor.sent(withContent ? part : { destination, n, effectId }));
  }
}

function add(terms: Set<string>, identifiers: readonly string[]): void {
  for (const identifier of identifiers) {
    const term = normalised(identifier);
    if (term !== undefined && terms.size < mostTerms) terms.add(term);
  }
}
