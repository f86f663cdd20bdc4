import { Router } from 'express';
import type { CodeTable } from '../../core/tables/code-table.ts';
import type { UnknownCode } from '../../core/tables/unknown-codes.ts';
import type { AdminContext } from './context.ts';

/** What of a code table is told: everything but its rows. */
export interface TableSummary
  extends Pick<CodeTable, 'table' | 'owner' | 'version' | 'from' | 'to' | 'columns' | 'file' | 'hash'> {
  readonly rows: number;
}

/** The worklist of whoever keeps the tables. It is not kept over a restart: what is still unknown comes again. */
export interface UnknownReport {
  readonly unknown: readonly UnknownCode[];
  /** How often a code came that found no room in the list. */
  readonly untold: number;
}

/** Code tables as they were last deployed, and the codes that maps passed on because a table did not have them. */
export function tableRoutes({ codes }: AdminContext): Router {
  const routes = Router();

  routes.get('/tables', (_request, response) => {
    response.json({ tables: [...codes.tables.values()].map(summary) });
  });

  routes.get('/tables/unknown', (request, response) => {
    const { table } = request.query;
    const report: UnknownReport = {
      unknown: codes.unknown.list(typeof table === 'string' ? table : undefined),
      untold: codes.unknown.untold,
    };
    response.json(report);
  });

  return routes;
}

function summary({ table, owner, version, from, to, columns, file, hash, size }: CodeTable): TableSummary {
  return { table, owner, version, from, to, columns, rows: size, file, hash };
}
