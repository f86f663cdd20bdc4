import { HubError } from '../errors.ts';
import type { Reader } from '../store/message-store.ts';
import type { JobPreview, JobRequest, JobStatus, Jobs } from './jobs/job.ts';
import type { JobRegistry } from './jobs/job-registry.ts';

/** The jobs of hubs that share a store: the one that has their lease runs them, and is asked about them. */
export class JobsOfLease implements Jobs {
  readonly #hub: () => string | undefined;
  #registry: JobRegistry | undefined;

  /** `hub` names the one that runs them. */
  constructor(hub: () => string | undefined) {
    this.#hub = hub;
  }

  /** This hub has the lease: goes on with what the last one left. */
  async begin(registry: JobRegistry): Promise<void> {
    await registry.load();
    this.#registry = registry;
  }

  /** Interrupts all work; whoever has the lease next goes on with it. */
  async end(): Promise<void> {
    const registry = this.#registry;
    this.#registry = undefined;
    await registry?.stop();
  }

  get #here(): JobRegistry {
    if (this.#registry) return this.#registry;
    const hub = this.#hub();
    const where = hub === undefined ? 'no hub runs them at the moment' : `hub ${hub} runs them, ask it`;
    throw new HubError('not-allowed', 'transient', `asking for jobs: ${where}`);
  }

  async preview(request: JobRequest): Promise<JobPreview> {
    return await this.#here.preview(request);
  }
  async create(request: JobRequest, by: Reader): Promise<JobStatus> {
    return await this.#here.create(request, by);
  }
  list(): readonly JobStatus[] {
    return this.#here.list();
  }
  get(id: string): JobStatus {
    return this.#here.get(id);
  }
  async pause(id: string, by: Reader): Promise<JobStatus> {
    return await this.#here.pause(id, by);
  }
  async resume(id: string, by: Reader): Promise<JobStatus> {
    return await this.#here.resume(id, by);
  }
  async cancel(id: string, by: Reader): Promise<JobStatus> {
    return await this.#here.cancel(id, by);
  }
}
