/** A topic filter with places: `devices/{id}/vitals` is read as `devices/+/vitals`, and what stands at the place has a name. */
export interface TopicPattern {
  /** For the broker (MQTT 5 §4.7). */
  readonly filter: string;
  /** Names of its places, in order. */
  readonly places: readonly string[];
  /** What stands at each place of a topic, by name; undefined where the topic is not one of these. */
  match(topic: string): Readonly<Record<string, string>> | undefined;
}

/** Throws SyntaxError that says what is wrong with it. */
export function topicPattern(text: string): TopicPattern {
  if (text.startsWith('$share/') || text.startsWith('$queue/'))
    throw new SyntaxError('a shared subscription gives the messages of one device to several readers, out of order');
  if (text === '' || Buffer.byteLength(text) > 65_535 || text.includes('\u0000'))
    throw new SyntaxError('a topic has 1 to 65,535 bytes, and no NUL');
  const levels = text.split('/').map((level, at, { length }) => readLevel(level, at === length - 1));
  const places = levels.flatMap(({ place }) => (place === undefined ? [] : [place]));
  if (new Set(places).size < places.length) throw new SyntaxError('two places have one name');
  return {
    filter: levels.map(({ filter }) => filter).join('/'),
    places,
    match: (topic) => match(levels, topic),
  };
}

export function isTopicPattern(text: string): boolean {
  try {
    topicPattern(text);
    return true;
  } catch {
    return false;
  }
}

interface Level {
  readonly filter: string;
  readonly place?: string;
}

function readLevel(level: string, last: boolean): Level {
  const place = /^\{([A-Za-z][A-Za-z0-9_-]*)\}$/.exec(level)?.[1];
  if (place !== undefined) return { filter: '+', place };
  if (level === '+' || (level === '#' && last)) return { filter: level };
  if (/[+#{}]/.test(level))
    throw new SyntaxError('+ and {place} stand for one whole level, # for all that follow, at the end');
  return { filter: level };
}

function match(levels: readonly Level[], topic: string): Readonly<Record<string, string>> | undefined {
  const found: Record<string, string> = {};
  const parts = topic.split('/');
  for (const [at, { filter, place }] of levels.entries()) {
    // `a/#` is `a`, too (MQTT 5 §4.7.1.2).
    if (filter === '#') return found;
    const part = parts[at];
    if (part === undefined || (filter !== '+' && filter !== part)) return undefined;
    if (place !== undefined) found[place] = part;
  }
  return parts.length === levels.length ? found : undefined;
}
