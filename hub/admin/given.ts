type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without the keys that are undefined. */
export function given<T extends object>(value: T): Given<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Given<T>;
}
