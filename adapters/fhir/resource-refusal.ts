import { Refusal } from '../../clients/http-server/refusal.ts';
import type { IssueCode } from '../../protocols/fhir/outcome.ts';

/** Why a resource is not taken. Like every refusal it quotes nothing. */
export class ResourceRefusal extends Refusal {
  readonly code: IssueCode;
  /** Where in the resource. */
  readonly expression: string | undefined;

  constructor(status: number, code: IssueCode, message: string, expression?: string) {
    super(status, message);
    this.code = code;
    this.expression = expression;
  }
}
