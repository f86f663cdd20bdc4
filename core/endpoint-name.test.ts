import { expect, it } from 'vitest';
import { z } from 'zod';
import { adapters } from '../adapters/index.ts';
import { connectors } from '../connectors/index.ts';
import { endpointName, endpointsIn } from './endpoint-name.ts';

it('finds what a configuration names, wherever it stands', () => {
  const schema = z
    .strictObject({
      endpoint: endpointName('tcp-listen', 'tcp-connect').optional().describe('Where.'),
      auth: z
        .array(
          z.union([
            z.strictObject({ basic: endpointName('basic-auth') }),
            z.strictObject({ bearer: endpointName('bearer-token') }),
          ]),
        )
        .default([]),
      name: z.string().optional(),
    })
    .refine(() => true);
  expect(endpointsIn(schema, { endpoint: 'in', auth: [{ bearer: 'who' }], name: 'in' })).toEqual([
    { path: ['endpoint'], name: 'in', kinds: ['tcp-listen', 'tcp-connect'] },
    { path: ['auth', 0, 'bearer'], name: 'who', kinds: ['bearer-token'] },
  ]);
});

it('knows of components of channel code what is called endpoint', () => {
  expect(endpointsIn(undefined, { endpoint: 'in' })).toEqual([{ path: ['endpoint'], name: 'in', kinds: [] }]);
  expect(endpointsIn(undefined, { topic: 'in' })).toEqual([]);
});

it.for(
  [...adapters, ...connectors].map((each) => [each.kind, each.type, each] as const),
)('the %s %s says of each endpoint in its examples what it may be', ([, , { config, examples }]) => {
  for (const { config: example } of examples) {
    const named = endpointsIn(config, example);
    const { endpoint } = example as { readonly endpoint?: unknown };
    if (typeof endpoint === 'string') expect(named).toContainEqual(expect.objectContaining({ name: endpoint }));
    for (const { kinds } of named) expect(kinds.length).toBeGreaterThan(0);
  }
});
