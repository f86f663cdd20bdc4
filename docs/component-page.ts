import { stringify } from 'yaml';
import type { z } from 'zod';
import type { Format } from '../core/format.ts';
import type { AckPoint } from '../core/outcome.ts';
import { inputSchema } from './json-schema.ts';
import { keyTable } from './key-table.ts';

/** What a page says of a component; each room leaves out what it does not have. */
export interface DescribedComponent {
  readonly kind: string;
  readonly type: string;
  readonly summary: string;
  readonly config: z.ZodType;
  readonly examples: readonly { readonly title: string; readonly config: unknown }[];
  readonly produces?: unknown;
  readonly accepts?: unknown;
  readonly acknowledges?: string;
  readonly ackPoints?: readonly AckPoint[];
  readonly batching?: string;
  readonly effect?: string;
}

/** One room's reference page. `within` writes an example as it stands in a channel file. */
export function componentsPage(
  title: string,
  introduction: string,
  components: readonly DescribedComponent[],
  within: (type: string, config: unknown) => unknown,
): string {
  const sections = components.map((component) => section(component, within));
  return [`# ${title}`, introduction, ...sections].join('\n\n').concat('\n');
}

function section(component: DescribedComponent, within: (type: string, config: unknown) => unknown): string {
  const { type, summary, config, examples } = component;
  const shown = examples.map(
    ({ title, config }) => `${title}:\n\n\`\`\`yaml\n${stringify(within(type, config), { lineWidth: 110 })}\`\`\``,
  );
  return [`## ${type}`, summary, facts(component), keyTable(inputSchema(config)), ...shown]
    .filter((part) => part !== '')
    .join('\n\n');
}

function facts({ produces, accepts, acknowledges, ackPoints, batching, effect }: DescribedComponent): string {
  const points = ackPoints?.map((point) => `\`${point}\``).join(', ') ?? 'all';
  return [
    accepts !== undefined && `- Takes: ${formatName(accepts)}`,
    produces !== undefined && `- Gives: ${formatName(produces)}`,
    acknowledges && `- Acknowledges: \`${acknowledges}\`; points that \`ackAfter\` may name: ${points}`,
    batching && `- Batching: \`${batching}\``,
    effect && `- When a write is repeated: \`${effect}\``,
  ]
    .filter((line) => line)
    .join('\n');
}

function formatName(format: unknown): string {
  if (format === 'any') return 'any format, as bytes';
  return typeof format === 'function'
    ? 'the format of what it is configured for'
    : `\`${(format as Format<unknown>).id}\``;
}
