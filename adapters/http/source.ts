import type { IncomingMessage } from 'node:http';
import { type Callers, callersOf } from '../../clients/http-server/callers.ts';
import type { Admitted, HttpService, Taken } from '../../clients/http-server/service.ts';
import { httpServerSource } from '../../clients/http-server/source.ts';
import type { Source, SourceContext } from '../../core/source.ts';
import { admit } from './admission.ts';
import { Answers, type Hl7Request, refused } from './answers.ts';
import { arrivalsOf } from './arrivals.ts';
import type { HttpSourceConfig } from './config.ts';

export function httpSource(config: HttpSourceConfig, context: SourceContext): Source {
  const callers = callersOf(config.auth, context);
  return httpServerSource({ counters: 'http', config, context, service: new Service(config, context, callers) });
}

/** What is made of the requests of one source. */
class Service implements HttpService {
  readonly #config: HttpSourceConfig;
  readonly #callers: Callers | undefined;
  readonly #answers: Answers;
  readonly refused = refused;

  constructor(config: HttpSourceConfig, context: SourceContext, callers: Callers | undefined) {
    this.#config = config;
    this.#callers = callers;
    this.#answers = new Answers(config, context);
  }

  admit(request: IncomingMessage, peer: string): Admitted {
    const config = this.#config;
    const admitted = admit(request, config, this.#callers);
    return {
      packed: admitted.packed,
      read: async (body): Promise<Taken> => {
        const { arrivals, acknowledge } = await arrivalsOf(request, body, admitted, peer, config);
        if (!acknowledge) return { arrivals, answer: (receipts) => this.#answers.of(receipts) };
        const { contentType, charset } = admitted;
        const hl7: Hl7Request = {
          header: acknowledge,
          ...(acknowledge.code === 'QBP' && { query: body }),
          contentType: charset === undefined ? contentType : `${contentType}; charset=${charset}`,
        };
        return { arrivals, answer: (receipts) => this.#answers.of(receipts, hl7) };
      },
    };
  }
}
