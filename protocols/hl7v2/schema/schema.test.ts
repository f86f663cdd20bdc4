import { describe, expect, it } from 'vitest';
import { nearestVersion, schemaOf } from './schema.ts';
import { VERSIONS } from './versions.ts';

describe('the version that is taken', () => {
  it.each([
    ['2.5.1', '2.5.1'],
    ['2.3', '2.3'],
    ['2.8', '2.8'],
    ['2.8.2', '2.8'],
    ['2.9', '2.8'],
    ['3.0', '2.8'],
    ['2.2.1', '2.2'],
    ['2.0', '2.1'],
    ['1', '2.1'],
    ['2.5.1 ', '2.5.1'],
    ['', '2.5.1'],
    ['v2.3', '2.5.1'],
  ])('for %j is %s', (version, expected) => {
    expect(nearestVersion(version)).toBe(expected);
    expect(schemaOf(version)).toBe(schemaOf(expected));
  });
});

describe('the definitions', () => {
  it('are as many as the standard has', () => {
    const counts = VERSIONS.map((version) => {
      const schema = schemaOf(version);
      const fields = schema.segmentNames.reduce((sum, name) => sum + (schema.segment(name)?.fields.length ?? 0), 0);
      return [
        schema.segmentNames.length,
        fields,
        schema.structureNames.length,
        schema.events.length,
        schema.tableIds.length,
      ];
    });
    expect(counts).toEqual([
      [38, 435, 39, 38, 105],
      [62, 767, 73, 72, 163],
      [110, 1468, 114, 210, 284],
      [110, 1485, 116, 222, 307],
      [138, 1811, 179, 308, 408],
      [150, 2095, 202, 353, 477],
      [150, 2103, 200, 352, 477],
      [170, 2466, 211, 355, 538],
      [174, 2558, 192, 331, 535],
      [174, 2558, 192, 331, 536],
      [180, 2692, 203, 332, 557],
    ]);
  });

  it('of a field are its name, type, how often it may stand, its length and table', () => {
    const pid = schemaOf('2.5.1').segment('PID');
    expect(pid).toMatchObject({ name: 'PID', title: 'Patient Identification', withdrawn: false });
    expect(pid?.fields[2]).toEqual({
      n: 3,
      name: 'Patient Identifier List',
      type: 'CX',
      required: true,
      max: Number.POSITIVE_INFINITY,
      length: 250,
      withdrawn: false,
    });
    expect(pid?.fields[7]).toMatchObject({
      name: 'Administrative Sex',
      type: 'IS',
      required: false,
      max: 1,
      table: '0001',
    });
    expect(schemaOf('2.5.1').segment('OBX')?.fields[19]).toMatchObject({ withdrawn: true });
  });

  it('of a data type are its components', () => {
    const cx = schemaOf('2.5.1').dataType('CX');
    expect(cx?.components[3]).toEqual({
      n: 4,
      name: 'Assigning Authority',
      type: 'HD',
      table: '0363',
      withdrawn: false,
    });
    expect(schemaOf('2.5.1').dataType('ST')?.components).toEqual([]);
  });

  it('of a table are its codes, and whether they are all', () => {
    const { codes, ...sex } = schemaOf('2.5.1').table('0001')!;
    expect(sex).toEqual({ id: '0001', title: 'Administrative Sex', kind: 'user', complete: true });
    expect(codes.get('F')).toBe('Female');
    expect([...codes.keys()].join('')).toBe('AFMNOU');
    expect(schemaOf('2.5.1').table('0396')?.complete).toBe(false);
    expect(schemaOf('2.5.1').table('0399')).toMatchObject({ complete: false, kind: 'hl7' });
    expect(schemaOf('2.8').table('0053')).toBeUndefined();
  });

  it('of a message structure are its groups, choices and wildcards', () => {
    const orm = schemaOf('2.5.1').structure('ORM_O01')!;
    const order = orm.root.children.find(({ name }) => name === 'ORDER');
    expect(order).toMatchObject({ kind: 'group', required: true, repeats: true, choice: false });
    const detail = order?.kind === 'group' ? order.children[1] : undefined;
    expect(detail?.kind === 'group' && detail.children[0]).toMatchObject({
      choice: true,
      required: true,
      repeats: false,
    });
    expect(schemaOf('2.5.1').structure('PGL_PC6')!.segmentNames.has('OBR')).toBe(true);
    expect(schemaOf('2.5.1').structure('PRR_PC5')!.segmentNames.has('any')).toBe(true);
  });

  it('name no type, table or segment that the version does not have', () => {
    const unknownTables = new Set<string>();
    for (const version of VERSIONS) {
      const schema = schemaOf(version);
      const places = [
        ...schema.segmentNames.flatMap((name) => schema.segment(name)?.fields ?? []),
        ...schema.dataTypeNames.flatMap((name) => schema.dataType(name)?.components ?? []),
      ];
      for (const { type, table } of places) {
        if (type !== 'varies') expect(schema.dataType(type), `${version} ${type}`).toBeDefined();
        if (table !== undefined && !schema.table(table)) unknownTables.add(table);
      }
      for (const name of schema.structureNames) {
        for (const segment of schema.structure(name)!.segmentNames) {
          if (segment !== 'any' && segment !== 'local')
            expect(schema.segment(segment), `${version} ${segment}`).toBeDefined();
        }
      }
    }
    expect([...unknownTables].sort()).toEqual(['0033', '0053', '0060', '0089', '0310', '0524']);
  });

  it('are opened once, and each is read once', () => {
    const schema = schemaOf('2.4');
    expect(schemaOf('2.4')).toBe(schema);
    expect(schema.segment('PID')).toBe(schema.segment('PID'));
    expect(schema.segment('constructor')).toBeUndefined();
  });
});
