import type { z } from 'zod';
import { connectors } from '../connectors/index.ts';
import {
  alertsKeys,
  datedMaintenanceKeys,
  expectationKeys,
  notifyKeys,
  ruleKeys,
  weeklyMaintenanceKeys,
} from '../hub/alerts/alerts-keys.ts';
import { connectionDown } from '../hub/alerts/conditions/connection-down.ts';
import { conditions } from '../hub/alerts/conditions/index.ts';
import { inputSchema, type JsonSchema, oneOf } from './json-schema.ts';
import { keyTable } from './key-table.ts';

/** The reference page of `alerts.yaml`. */
export function alertsPage(): string {
  const table = (schema: z.ZodType) => keyTable(inputSchema(schema));
  const sections = conditions.map(({ type, summary, config, selects, severity, forMs, clearForMs }) => {
    const told = `Severity \`${severity}\`, \`forMs: ${forMs}\`, \`clearForMs: ${clearForMs}\`; chooses ${chosen[selects]}.`;
    return `### ${type}\n\n${summary}\n\n${told}\n\n${table(config)}`;
  });
  return `# Alerts

\`alerts.yaml\` in the channels folder says what is watched, and who is told. Without it every condition below is watched with its
defaults, and \`weir alerts\` shows what is wrong. It is checked and read anew at each deploy.

\`\`\`yaml
zone: Europe/Berlin
rules:
  - queueAge: { aboveMs: 1h }
    channels: 'lab-*'
  - deadLetters: { atLeast: 10 }
    labels: { site: north }
    remindEveryMs: 8h
  - connectionDown:
    channels: night-export
    enabled: false
expect:
  - { feed: adt-inbound, between: '06:00-20:00', days: mon-fri, every: 15min }
maintenance:
  - { channels: 'lab-*', from: 2026-12-01T22:00, to: 2026-12-02T02:00, reason: laboratory upgrade }
  - { channels: 'lab-*', days: sun, between: '02:00-04:00', reason: weekly restart }
notify:
  - publish: { topic: hub.alert.v1 }
  - email:
      endpoint: mail
      from: weir@hospital.example
      to: [interfaces@hospital.example]
      subject: '\${meta.alert.severity}: \${meta.alert.title}'
    severity: critical
\`\`\`

A notice is written once when something starts and once when it is over; what starts for one far end, or under one rule, within
\`gatherMs\` is one notice that lists all of it. A time span is a number of milliseconds, or \`30s\`, \`15min\`, \`2h\`, \`7d\`.

${table(alertsKeys)}

## Rules

Each entry of \`rules\` names one condition with its thresholds; the other keys say what it is for and when it is told.

${keyTable(sharedKeys())}

${sections.join('\n\n')}

## Expected feeds

The keys of each entry of \`expect\`. Its alerts are called \`noTraffic\`; the feed is silent until a message comes.

${table(expectationKeys)}

## Maintenance

What is wrong is shown and counted, but not told; what still is when the window ends is told then. \`weir maintenance start\` opens
one at once. Dated:

${table(datedMaintenanceKeys)}

Weekly:

${table(weeklyMaintenanceKeys)}

## Notify

Each entry of \`notify\` is one of the [connectors](connectors.md) with its configuration, and beside it:

${table(notifyKeys)}

What is written is the contract \`hub.alert.v1\` in JSON, or text. Templates of a connector have the places \`meta.alert.title\`,
\`meta.alert.severity\`, \`meta.alert.notice\` (started, reminder, cleared), \`meta.alert.condition\`, \`meta.alert.channel\`,
\`meta.alert.host\`, \`meta.alert.hub\` and \`meta.alert.incident\`. A notice that cannot be written is tried again for a day; after a
crash one may come twice, with the same id.
`;
}

const chosen = {
  destinations: 'channels and destinations',
  channels: 'channels',
  hub: 'nothing: it is about the hub',
} as const;

/** What every rule has beside its condition; those of its defaults that each condition has of its own are not shown. */
function sharedKeys(): JsonSchema {
  const { properties = {}, ...schema } = inputSchema(ruleKeys(connectionDown));
  const { [connectionDown.type]: _, ...shared } = properties;
  for (const name of ['severity', 'forMs', 'clearForMs']) {
    const own = shared[name];
    if (typeof own !== 'object') continue;
    const { default: _, ...without } = own;
    shared[name] = { ...without, description: `${own.description ?? ''} That of the condition if absent.` };
  }
  return { ...schema, properties: shared };
}

/** What an editor completes and checks `alerts.yaml` with. */
export function alertsSchema(): JsonSchema {
  const schema = inputSchema(alertsKeys);
  const items = (name: string, each: JsonSchema): JsonSchema => {
    const own = schema.properties?.[name];
    return { ...(typeof own === 'object' && own), type: 'array', items: each };
  };
  const rules = conditions.map((condition) => ({ ...inputSchema(ruleKeys(condition)), required: [condition.type] }));
  const { properties: beside } = inputSchema(notifyKeys);
  const to = oneOf(connectors);
  const notify = Object.entries(to.properties ?? {}).map(
    ([type, config]): JsonSchema => ({
      type: 'object',
      properties: { [type]: config, ...beside },
      required: [type],
      additionalProperties: false,
    }),
  );
  return {
    ...schema,
    properties: {
      ...schema.properties,
      rules: items('rules', { anyOf: rules.map(withEmptyCondition) }),
      maintenance: items('maintenance', {
        anyOf: [inputSchema(datedMaintenanceKeys), inputSchema(weeklyMaintenanceKeys)],
      }),
      notify: items('notify', { anyOf: notify }),
    },
  };
}

/** `- storeFull:` with nothing behind it stands for its defaults. */
function withEmptyCondition(rule: JsonSchema): JsonSchema {
  const [type = ''] = rule.required ?? [];
  const config = rule.properties?.[type];
  if (typeof config !== 'object') return rule;
  const { description, ...strict } = config;
  const either: JsonSchema = { ...(description !== undefined && { description }), anyOf: [strict, { type: 'null' }] };
  return { ...rule, properties: { ...rule.properties, [type]: either } };
}
