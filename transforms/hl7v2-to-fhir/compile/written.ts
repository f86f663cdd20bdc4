/** The files under `../generated`, a JSON object each. */
export const GENERATED = ['segments', 'vocabularies', 'bindings', 'systems', 'rows', 'elements'] as const;

/** One line for each rule, code or row, so that a change of one of them is a change of one line. */
export function written(table: Readonly<Record<string, object>>): string {
  const entries = Object.entries(table).map(([name, value]) => {
    if (Array.isArray(value) && value.every((each) => typeof each === 'string'))
      return `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`;
    const lines = Array.isArray(value)
      ? value.map((each) => JSON.stringify(each))
      : Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${JSON.stringify(each)}`);
    const [open, close] = Array.isArray(value) ? '[]' : '{}';
    return `  ${JSON.stringify(name)}: ${open}\n${lines.map((line) => `    ${line}`).join(',\n')}\n  ${close}`;
  });
  return `{\n${entries.join(',\n')}\n}\n`;
}
