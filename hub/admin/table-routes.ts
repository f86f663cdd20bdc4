import { Router } from 'express';
import type { CodeTable } from '../../core/tables/code-table.ts';
import type { UnknownCode } from '../../core/tables/unknown-codes.ts';
import type { RefusedTables } from '../deploy-report.ts';
import type { AdminContext } from './context.ts';
import { readerOf } from './reader.ts';

/** What of a code table is told: everything but its rows. */
export interface TableSummary
  extends Pick<CodeTable, 'table' | 'owner' | 'version' | 'from' | 'to' | 'columns' | 'file' | 'hash'> {
  readonly rows: number;
}

/** The code tables in force, and why changed ones are not. */
export interface TableList {
  readonly tables: readonly TableSummary[];
  readonly refused?: RefusedTables;
}

/** The worklist of whoever keeps the tables. */
export interface UnknownReport {
  readonly unknown: readonly UnknownCode[];
  /** How often a code came that found no room in the list. */
  readonly untold: number;
}

/** Code tables in force, and the codes that maps passed on because a table did not have them. */
export function tableRoutes({ codes, engine }: AdminContext): Router {
  const routes = Router();

  routes.get('/tables', (_request, response) => {
    const { tables, refusedTables: refused } = codes;
    response.json({ tables: [...tables.values()].map(summary), ...(refused && { refused }) } satisfies TableList);
  });

  // What stands in the place of a code may be anything, also an identifier (rule 33).
  routes.get('/tables/unknown', async (request, response) => {
    const by = readerOf(request);
    const table = typeof request.query.table === 'string' ? request.query.table : undefined;
    await engine.store.audit({ ...by, at: Date.now(), action: 'read unknown codes', subject: about(table) });
    const report: UnknownReport = { unknown: codes.unknown.list(table), untold: codes.unknown.untold };
    response.json(report);
  });

  /** What does not name a table may be anything: the trail is never pruned. */
  function about(table: string | undefined): string {
    if (table === undefined) return 'all tables';
    return codes.tables.has(table) ? table : 'a table that is not there';
  }

  return routes;
}

function summary({ table, owner, version, from, to, columns, file, hash, size }: CodeTable): TableSummary {
  return { table, owner, version, from, to, columns, rows: size, file, hash };
}
