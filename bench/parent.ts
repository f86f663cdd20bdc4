/** What a program of this folder says to the one that started it, and hears from it: the other side of `Child`. */
export type ToChild = { readonly id: number; readonly question: string; readonly argument: unknown };
export type FromChild =
  | { readonly ready: true }
  | { readonly id: number; readonly value?: unknown; readonly error?: string };

/** The settings this program was started with. */
export function settings<S>(): S {
  return JSON.parse(process.argv[2] ?? '{}') as S;
}

/**
 * Says that this program is ready, then answers its parent's questions by name. `stop` ends the process after its answer; so does
 * the end of the parent.
 */
export function answerParent(answers: Readonly<Record<string, (argument: unknown) => unknown>>): void {
  const reply = (message: FromChild) => process.send?.(message);
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, question, argument }: ToChild) => {
    try {
      reply({ id, value: await answers[question]?.(argument) });
    } catch (thrown) {
      reply({ id, error: thrown instanceof Error ? thrown.message : String(thrown) });
    }
    if (question === 'stop') process.exit();
  });
  reply({ ready: true });
}
