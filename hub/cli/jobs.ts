import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobRequest, JobStatus, MessageVerb } from '../../core/runtime/jobs/job.ts';
import { interruption } from '../interruption.ts';
import { type ClientOptions, call } from './admin-client.ts';
import { type ExitCode, exit } from './exit.ts';
import { instant, metaOf } from './messages.ts';
import { age, print, printJson, table, when } from './output.ts';
import { type AskOptions, confirmed, count } from './preview.ts';

export interface BulkOptions extends AskOptions {
  readonly channel?: string;
  readonly destination?: string;
  readonly status?: string;
  readonly from?: string;
  readonly to?: string;
  readonly type?: string;
  readonly meta?: readonly string[];
  readonly error?: string;
  readonly errorText?: string;
  readonly rate?: number;
  readonly wait?: boolean;
  readonly confirm?: boolean;
}

/** Whether the options name messages by what they are, not by their ids. */
export function isFilter({ channel, from, to, type, meta, error, errorText, status }: BulkOptions): boolean {
  return [channel, from, to, type, error, errorText, status, meta?.[0]].some((each) => each !== undefined);
}

/** `weir retry|replay|skip --channel …`: a job, after a preview. */
export async function actOnFilter(verb: MessageVerb, options: BulkOptions): Promise<ExitCode> {
  const { channel, destination, status, type, error, errorText } = options;
  const [from, to] = [instant(options.from), instant(options.to)];
  const meta = metaOf(options.meta);
  const request = {
    verb,
    filter: {
      ...{ channel, destination, status, type, error, errorText },
      ...(from !== undefined && { from: Number(from) }),
      ...(to !== undefined && { to: Number(to) }),
      ...(meta.length > 0 && { meta: Object.fromEntries(meta) }),
    },
  } as JobRequest;
  return begin(request, options);
}

/** Begins a job, after a preview; resolves when it is durable, or with `--wait` when it has ended. */
export async function begin(request: JobRequest, options: BulkOptions): Promise<ExitCode> {
  const { go, seen, preview } = await confirmed(request, options);
  if (!go) {
    if (preview && options.json) printJson(preview);
    return exit.done;
  }
  const job = await call<JobStatus>(options, '/api/jobs', {
    method: 'POST',
    reason: 'command line',
    body: {
      ...request,
      // Sent twice, it is one job all the same.
      id: randomUUID(),
      ...(options.rate !== undefined && { rate: options.rate }),
      ...(request.verb !== 'release' && (options.confirm || seen) && { confirmed: true }),
    },
  });
  if (options.wait) return follow(job, options);
  if (options.json) printJson(job);
  else print(`job ${job.id}: ${job.verb} at ${job.rate}/s; weir jobs says how far it is`);
  return exit.done;
}

/** Waits for the end of a job; `failed` where a message failed or it was cancelled. */
async function follow(begun: JobStatus, options: ClientOptions): Promise<ExitCode> {
  let job = begun;
  const interrupted = interruption();
  while (job.state === 'running' || job.state === 'paused') {
    await sleep(250, undefined, { signal: interrupted }).catch(() => undefined);
    if (interrupted.aborted) {
      process.stderr.write(`weir: job ${job.id} goes on; weir jobs cancel ${job.id} ends it\n`);
      return exit.failed;
    }
    job = await call<JobStatus>(options, `/api/jobs/${job.id}`);
  }
  if (options.json) printJson(job);
  else print(detailed(job));
  return job.state === 'done' && job.failed === 0 ? exit.done : exit.failed;
}

const columns = [
  { title: 'Job' },
  { title: 'State' },
  { title: 'Verb' },
  { title: 'Matched', align: 'right' as const },
  { title: 'Done', align: 'right' as const },
  { title: 'Already', align: 'right' as const },
  { title: 'Failed', align: 'right' as const },
  { title: 'Rate', align: 'right' as const },
  { title: 'Left' },
  { title: 'By' },
];

/** `weir jobs [list]`: newest first. */
export async function listJobs(options: ClientOptions): Promise<ExitCode> {
  const { jobs } = await call<{ jobs: readonly JobStatus[] }>(options, '/api/jobs');
  if (options.json) printJson(jobs);
  else print(jobs.length === 0 ? 'there are no jobs' : table(columns, jobs.map(row)));
  return exit.done;
}

function row(job: JobStatus): readonly string[] {
  const { id, state, verb, matched, done, already, failed, rate, perSecond, by } = job;
  return [
    id,
    state,
    verb,
    matched === undefined ? 'counting' : String(matched),
    String(done),
    String(already),
    String(failed),
    `${perSecond === undefined ? '' : `${perSecond.toFixed(0)} of `}${rate}/s`,
    left(job),
    `${by.actor}: ${by.reason}${by.ticket ? ` (${by.ticket})` : ''}`,
  ];
}

function left({ state, waitingFor, etaMs }: JobStatus): string {
  if (state !== 'running') return '';
  return waitingFor ? waits[waitingFor] : age(etaMs);
}

const waits = {
  'live-traffic': 'waits for live traffic',
  full: 'waits for room',
  stopped: 'waits: the channel or destination is stopped',
  away: 'waits: the far end is away',
  store: 'waits for the store',
} satisfies Record<NonNullable<JobStatus['waitingFor']>, string>;

/** `weir jobs show <id>`: with what failed, and why. */
export async function showJob(id: string, options: ClientOptions): Promise<ExitCode> {
  // Without a reason the values of fields stay out: they may identify a patient.
  const asked = options.reason === undefined ? {} : { reason: options.reason };
  const job = await call<JobStatus>(options, `/api/jobs/${encodeURIComponent(id)}`, asked);
  if (options.json) printJson(job);
  else print(detailed(job));
  return exit.done;
}

function detailed(job: JobStatus): string {
  const lines = [table(columns, [row(job)]), `begun ${when(job.createdAt)}, ended ${when(job.endedAt)}`];
  for (const [name, value] of Object.entries(job.filter)) lines.push(`  ${name}: ${JSON.stringify(value)}`);
  for (const { code, count: failed, messages } of job.failures) {
    lines.push(`${failed} failed with ${code}:`);
    for (const { id, error } of messages) lines.push(`  ${id}: ${error}`);
  }
  return lines.join('\n');
}

/** `weir jobs pause|resume|cancel <id>`. */
export async function changeJob(verb: string, id: string, options: ClientOptions): Promise<ExitCode> {
  const path = `/api/jobs/${encodeURIComponent(id)}/${verb}`;
  const job = await call<JobStatus>(options, path, { method: 'POST', reason: 'command line' });
  if (options.json) printJson(job);
  else print(`job ${job.id} is ${job.state}: ${job.done} of ${count({ matched: job.matched ?? 0 })} done`);
  return exit.done;
}
