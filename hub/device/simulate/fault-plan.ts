import { HubError } from '../../../core/errors.ts';

export const faultKinds = ['silence', 'garbage', 'exception'] as const;
export type FaultKind = (typeof faultKinds)[number];

/** What is wrong with a device, from when to when, in milliseconds from the beginning. */
export interface PlayedFault {
  readonly kind: FaultKind;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Reads `silence`, `silence@30` (from second 30 on), `garbage@30-45`. Throws HubError `config-invalid`. */
export function readFault(text: string): PlayedFault {
  const [, kind, from = '0', to] = /^(\w+)(?:@(\d+)(?:-(\d+))?)?$/.exec(text) ?? [];
  if (!faultKinds.includes(kind as FaultKind))
    throw new HubError(
      'config-invalid',
      'permanent',
      `reading ${text}: it is not like ${faultKinds.join('@30, ')}@30-45`,
    );
  return {
    kind: kind as FaultKind,
    fromMs: Number(from) * 1_000,
    toMs: to === undefined ? Number.POSITIVE_INFINITY : Number(to) * 1_000,
  };
}

/** Whether a fault of that kind is on. */
export function isOn(faults: readonly PlayedFault[], kind: FaultKind, elapsedMs: number): boolean {
  return faults.some((fault) => fault.kind === kind && elapsedMs >= fault.fromMs && elapsedMs < fault.toMs);
}
