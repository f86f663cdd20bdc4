import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

/** What of a component's definition the suite looks at: the same for adapters, connectors, transforms and filters. */
interface Described {
  readonly kind: string;
  readonly type: string;
  readonly summary: string;
  readonly config: z.ZodType;
  readonly examples: readonly { readonly title: string; readonly config: unknown }[];
}

/**
 * Every room of components runs this suite on its list: the list is complete against the folders (`mqtt/mqtt.ts` exports
 * `mqtt`, `modbus-tcp/modbus-tcp.ts` exports `modbusTcp`), and what components say of themselves is true.
 */
export function describeManifest(
  room: string,
  folder: string,
  list: readonly Described[],
  kinds: readonly string[],
): void {
  describe(`the list of ${room}`, () => {
    const types = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, `${entry.name}.ts`)))
      .map((entry) => entry.name);

    it('has every component that has a folder, and no other', async () => {
      expect(list.map((component) => component.type).toSorted()).toEqual(types.toSorted());
      for (const type of types) {
        const exported = type.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
        const file: Record<string, unknown> = await import(pathToFileURL(join(folder, type, `${type}.ts`)).href);
        expect(list).toContain(file[exported]);
      }
    });

    it('has no folder without a component', () => {
      const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      expect(folders.map((entry) => entry.name).toSorted()).toEqual(types.toSorted());
    });

    it('has every type once', () => {
      expect(new Set(list.map((component) => component.type)).size).toBe(list.length);
    });

    for (const component of list)
      describe(component.type, () => {
        it('is of a kind that belongs here, and says what it does', () => {
          expect(kinds).toContain(component.kind);
          expect(component.type).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
          expect(component.summary).toMatch(/^[A-Z].*\.$/s);
        });

        it.for(component.examples.map((example) => example))('reads its example "$title"', ({ config }) => {
          expect(component.config.safeParse(config).error).toBeUndefined();
        });

        it('refuses a field that it does not know', () => {
          const config = { ...(component.examples[0]?.config as object), noSuchField: 1 };
          expect(component.config.safeParse(config).success).toBe(false);
        });

        it('describes every field of its configuration', () => {
          expect(undescribed(z.toJSONSchema(component.config, { io: 'input', unrepresentable: 'any' }), '')).toEqual(
            [],
          );
        });
      });
  });
}

type JsonSchema = z.core.JSONSchema.JSONSchema;

function undescribed(schema: JsonSchema, path: string): readonly string[] {
  const missing: string[] = [];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (typeof property === 'boolean') continue;
    if (!property.description) missing.push(`${path}${name}`);
    missing.push(...undescribed(property, `${path}${name}.`));
  }
  for (const each of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])])
    if (typeof each === 'object') missing.push(...undescribed(each, path));
  if (typeof schema.items === 'object' && !Array.isArray(schema.items))
    missing.push(...undescribed(schema.items, `${path}[].`));
  return missing;
}
