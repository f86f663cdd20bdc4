import type { IncomingMessage } from 'node:http';
import { type Callers, callersOf } from '../../clients/http-server/callers.ts';
import type { Refusal } from '../../clients/http-server/refusal.ts';
import type { Admitted, Answer, HttpService } from '../../clients/http-server/service.ts';
import { httpServerSource } from '../../clients/http-server/source.ts';
import type { Source, SourceContext } from '../../core/source.ts';
import type { FhirResource } from '../../protocols/fhir/resource.ts';
import { admit, styleOf } from './admission.ts';
import { type Asked, answerTo, answerWith, refused } from './answers.ts';
import { arrivalOf, postedIn } from './arrivals.ts';
import { capabilities } from './capabilities.ts';
import type { FhirSourceConfig } from './config.ts';

export function fhirSource(config: FhirSourceConfig, context: SourceContext): Source {
  const service = new Service(config, context, callersOf(config.auth, context));
  return httpServerSource({ counters: 'fhir', config, context, service });
}

/** What is made of the requests of one source. */
class Service implements HttpService {
  readonly #config: FhirSourceConfig;
  readonly #callers: Callers | undefined;
  readonly #capabilities: FhirResource;

  constructor(config: FhirSourceConfig, context: SourceContext, callers: Callers | undefined) {
    this.#config = config;
    this.#callers = callers;
    this.#capabilities = capabilities(config, context.channel, context.clock.now());
  }

  admit(request: IncomingMessage, peer: string): Admitted | Answer {
    const config = this.#config;
    const admitted = admit(request, config, this.#callers);
    const { interaction, style, packed } = admitted;
    if (interaction.kind === 'capabilities') return answerWith(200, this.#capabilities, style);
    return {
      packed,
      read: (body) => {
        const posted = postedIn(body, interaction);
        const { resource, requests } = posted;
        const asked: Asked = {
          interaction,
          requests,
          bundleType: resource.type,
          resource: style.preference === 'representation' ? resource : undefined,
        };
        return {
          arrivals: [arrivalOf(request, body, admitted, posted, peer, config)],
          answer: ([receipt]) => answerTo(asked, receipt!, style, config),
        };
      },
    };
  }

  refused(refusal: Refusal, request: IncomingMessage): Answer {
    return refused(refusal, styleOf(request));
  }
}
