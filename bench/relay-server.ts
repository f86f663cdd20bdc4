/** The server of `bench:backlog`, `bench:jobs` and `chaos:kill`: MLLP in, to an MLLP receiver and, where asked for, a topic. */
import { mllp as mllpIn } from '../adapters/mllp/mllp.ts';
import { mllp as mllpOut } from '../connectors/mllp/mllp.ts';
import { publish } from '../connectors/publish/publish.ts';
import { defineChannel } from '../core/builder.ts';
import type { JobRequest } from '../core/runtime/jobs/job.ts';
import { compilePath } from '../protocols/hl7v2/path.ts';
import { startEngine } from './engine.ts';
import { answerParent, settings } from './parent.ts';

export interface RelayServer {
  readonly directory: string;
  readonly port: number;
  /** Of the receiver, and how many connections to it. */
  readonly receiver: number;
  readonly connections: number;
  /** Every message goes to this topic too. */
  readonly topic?: string;
  /** Before the first and between two attempts at the most; a short one suits a short run. */
  readonly retryMs: number;
}

const { directory, port, receiver, connections, topic, retryMs } = settings<RelayServer>();
const host = '127.0.0.1';
const patient = compilePath('PID-3[5=MR]');
const by = { actor: 'bench', reason: 'bench' };
const relay = defineChannel('relay')
  .from(mllpIn({ endpoint: 'in' }))
  .keyBy((message) => message.keys(patient))
  .to('receiver', mllpOut({ endpoint: 'receiver', connections }), { retry: { initialMs: retryMs, maxMs: retryMs } });
const engine = await startEngine(
  {
    directory,
    endpoints: {
      in: { kind: 'tcp-listen', host, listen: port },
      receiver: { kind: 'tcp-connect', host, port: receiver },
    },
  },
  [topic === undefined ? relay : relay.to('topic', publish({ topic, partitions: 8 }))],
);
answerParent({
  stop: () => engine.close(5_000),
  queued: async () => (await engine.status())[0]?.counts.queued ?? 0,
  status: () => engine.status(),
  createJob: (request) => engine.jobs.create(request as JobRequest, by),
  job: (id) => engine.jobs.get(String(id)),
  pauseJob: (id) => engine.jobs.pause(String(id), by),
  resumeJob: (id) => engine.jobs.resume(String(id), by),
  cancelJob: (id) => engine.jobs.cancel(String(id), by),
});
