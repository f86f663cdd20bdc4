import { isDeepStrictEqual } from 'node:util';
import { HubError } from '../../errors.ts';
import type { Reader } from '../../store/message-store.ts';
import { Turns } from '../turns.ts';
import { saysSomething } from './filter.ts';
import type { JobFilter, JobOrder, JobPreview, JobRequest, JobStatus, Jobs } from './job.ts';
import type { JobRecords } from './job-records.ts';
import { JobRun, type JobRunHost } from './job-run.ts';
import { previewOfFilter, previewOfHold } from './preview.ts';

const defaultRate = 50;
const sameEnterMs = 1_000;
const mostIds = 10_000;

export interface JobRegistryHost extends Omit<JobRunHost, 'save' | 'ended'> {
  readonly records: JobRecords;
}

/** The jobs of a hub: those of this run, and those that an earlier one left. */
export class JobRegistry implements Jobs {
  readonly #host: JobRegistryHost;
  readonly #jobs = new Map<string, JobRun>();
  // The second of two requests sees what the first has made.
  readonly #turns = new Turns();

  constructor(host: JobRegistryHost) {
    this.#host = host;
  }

  /** Goes on with what an earlier run left, once its channels run. */
  async load(): Promise<void> {
    for (const { order, progress } of await this.#host.records.load()) this.#add(order, progress).start();
  }

  /** Interrupts all work; the next run goes on with it. */
  async stop(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map((job) => (job.hasEnded ? undefined : job.stop())));
  }

  preview(request: JobRequest): Promise<JobPreview> {
    if (request.verb === 'release') return previewOfHold(this.#host, request.hold);
    refuseNothing(request.filter);
    return previewOfFilter(this.#host, { ...request, throughSeq: Number.MAX_SAFE_INTEGER });
  }

  create(request: JobRequest, by: Reader): Promise<JobStatus> {
    return this.#turns.take('create', () => this.#create(request, by));
  }

  async #create(request: JobRequest, by: Reader): Promise<JobStatus> {
    const { store, holds, records, now, newId } = this.#host;
    const again = request.id === undefined ? undefined : this.#jobs.get(request.id);
    if (again) return again.status();
    if (request.verb !== 'release') refuseNothing(request.filter);
    const newest = await store.find({ limit: 1 });
    const order: JobOrder = {
      id: request.id ?? newId(),
      verb: request.verb,
      filter: request.verb === 'release' ? {} : request.filter,
      ...(request.verb === 'release' && { hold: request.hold }),
      rate: request.rate ?? defaultRate,
      confirmed: request.verb !== 'release' && request.confirmed === true,
      by,
      createdAt: now(),
      throughSeq: newest.messages[0]?.seq ?? -1,
    };
    const same = [...this.#jobs.values()].find((job) => isSame(job, order));
    if (same) return same.status();
    if (order.hold !== undefined) holds.get(order.hold);
    const job = this.#add(order, undefined);
    try {
      await this.#audit(by, order.verb, order.id, describe(order));
      await records.add({ order, progress: job.saved() });
    } catch (thrown) {
      this.#jobs.delete(order.id);
      throw thrown;
    }
    job.start();
    for (const id of await records.forget((each) => this.#jobs.get(each)?.hasEnded ?? true)) this.#jobs.delete(id);
    return job.status();
  }

  #add(order: JobOrder, saved: ConstructorParameters<typeof JobRun>[1]): JobRun {
    const { records } = this.#host;
    const job = new JobRun(order, saved, {
      ...this.#host,
      save: (id, progress) => records.save(id, progress),
      ended: (each) => this.#audit(each.order.by, `${each.order.verb} ended`, each.order.id, counts(each.status())),
    });
    this.#jobs.set(order.id, job);
    return job;
  }

  list(): readonly JobStatus[] {
    return [...this.#jobs.values()].map((job) => job.status()).reverse();
  }

  get(id: string): JobStatus {
    return this.#job(id).status();
  }

  pause(id: string, by: Reader): Promise<JobStatus> {
    return this.#change(id, by, 'paused', (job) => job.stop('paused'));
  }

  resume(id: string, by: Reader): Promise<JobStatus> {
    return this.#change(id, by, 'running', (job) => job.resume());
  }

  cancel(id: string, by: Reader): Promise<JobStatus> {
    return this.#change(id, by, 'cancelled', (job) => job.stop('cancelled'));
  }

  #change(
    id: string,
    by: Reader,
    to: 'paused' | 'running' | 'cancelled',
    change: (job: JobRun) => Promise<void>,
  ): Promise<JobStatus> {
    return this.#turns.take(id, async () => {
      const job = this.#job(id);
      if (job.state === to) return job.status();
      if (job.hasEnded)
        throw new HubError('not-allowed', 'permanent', `changing job ${id}: it is ${job.state} already`);
      await this.#audit(by, `${job.order.verb} ${to}`, id, counts(job.status()));
      await change(job);
      return job.status();
    });
  }

  #job(id: string): JobRun {
    const job = this.#jobs.get(id);
    if (!job) throw new HubError('not-found', 'permanent', `looking for job ${id}: no job has this id`);
    return job;
  }

  #audit(by: Reader, action: string, id: string, detail: string): Promise<void> {
    return this.#host.store.audit({
      ...by,
      at: this.#host.now(),
      action: `job: ${action}`,
      subject: `job/${id} ${detail}`,
    });
  }
}

function refuseNothing(filter: JobFilter): void {
  const refuse = (why: string) => new HubError('not-allowed', 'permanent', `making a job: ${why}`);
  if (!saysSomething(filter)) throw refuse('its filter says nothing but a status or a destination');
  if (filter.destination !== undefined && filter.channel === undefined && !filter.ids)
    throw refuse('a destination needs its channel');
  if ((filter.ids?.length ?? 0) > mostIds) throw refuse(`more than ${mostIds} ids`);
}

/** Enter was pressed twice, or somebody asks again for what is being done. */
function isSame(job: JobRun, { createdAt, ...order }: JobOrder): boolean {
  const { id: _, createdAt: before, throughSeq: __, ...own } = job.order;
  const { id: ___, throughSeq: ____, ...asked } = order;
  if (job.state === 'cancelled' || (job.state === 'done' && createdAt - before >= sameEnterMs)) return false;
  return isDeepStrictEqual({ ...own, by: own.by.actor }, { ...asked, by: asked.by.actor });
}

/** The filter as the audit trail has it: of meta fields and lists of ids it says which and how many, not what. */
function describe({ verb, filter, hold, rate }: JobOrder): string {
  const { meta, ids, from, to, ...words } = filter;
  const said = Object.entries({
    ...words,
    from: from === undefined ? undefined : new Date(from).toISOString(),
    to: to === undefined ? undefined : new Date(to).toISOString(),
    meta: meta && Object.keys(meta).join(','),
    ids: ids?.length,
    hold: verb === 'release' ? hold : undefined,
    rate,
  });
  return said
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function counts({ matched, done, already, failed }: JobStatus): string {
  return `matched=${matched ?? '?'} done=${done} already=${already} failed=${failed}`;
}
