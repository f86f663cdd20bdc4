/** A stack that is disposed of at Ctrl-C and SIGTERM, too: what a program leaves behind then is what it leaves behind anyway, nothing. */
export function interruptible(): AsyncDisposableStack {
  const stack = new AsyncDisposableStack();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stack.disposeAsync().finally(() => process.exit(130)));
  return stack;
}
