import type { ServiceCommit, ServiceImage } from '../service-store.ts';

/** What the thread of the service store serves. */
export interface ServiceCalls {
  open(directory: string): void;
  image(service: string): ServiceImage & { readonly epoch: number };
  known(question: { readonly service: string; readonly ids: readonly string[]; readonly generation: number }): string[];
  commit(commit: ServiceCommit & { readonly service: string; readonly epoch: number }): void;
}
