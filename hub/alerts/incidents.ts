import { z } from 'zod';
import {
  type Alert,
  type AlertSummary,
  type Incident,
  keptAlert,
  keptIncident,
  type Subject,
  summaryOf,
} from './alert.ts';
import type { Observed } from './rules.ts';

/** What has to be told of an incident. */
export interface Told {
  readonly notice: 'started' | 'reminder' | 'cleared';
  readonly incident: Incident;
  /** At the end all that belonged to it, else what is firing. */
  readonly alerts: readonly AlertSummary[];
}

/** An alert that began to fire, or ended. */
export interface Change {
  readonly what: 'firing' | 'cleared';
  readonly alert: Alert;
}

export interface Surroundings {
  readonly now: number;
  readonly gatherMs: number;
  readonly newId: () => string;
  /** Whether nothing is told of it now. */
  isMuted(subject: Subject): boolean;
  /** The far end of what the alert is about: `host` by its name, `group` by what it is told together. */
  farEndOf(subject: Subject): { readonly host?: string; readonly group?: string };
}

const members = 1_000;

/**
 * The life of alerts: one that holds long enough fires, one that is over long enough is cleared; those that start together for one
 * far end, or under one rule, are one incident. What starts for a far end that is told of already joins its incident in silence.
 */
export class Incidents {
  readonly #alerts = new Map<string, Alert>();
  readonly #incidents = new Map<string, Incident>();

  get firing(): readonly Alert[] {
    return [...this.#alerts.values()].filter(({ firedAt }) => firedAt !== undefined);
  }

  /** @param observed what holds now */
  step(observed: readonly Observed[], around: Surroundings): { changes: readonly Change[]; told: readonly Told[] } {
    const changes = [...this.#observe(observed, around), ...this.#end(observed, around.now)];
    for (const alert of this.firing)
      if (alert.incident === undefined && !around.isMuted(alert.subject)) this.#join(alert, around);
    return { changes, told: [...this.#incidents.values()].flatMap((incident) => this.#tell(incident, around)) };
  }

  #observe(observed: readonly Observed[], { now, farEndOf }: Surroundings): readonly Change[] {
    const changes: Change[] = [];
    for (const each of observed) {
      const { id, condition, severity, subject, text, code, clearForMs, remindEveryMs, certain, forMs } = each;
      const known = this.#alerts.get(id);
      if (!known && !certain) continue;
      const { host, group } = known ?? (each.together === 'far-end' ? farEndOf(subject) : {});
      const { since = now, firedAt, incident } = known ?? {};
      const fires = firedAt === undefined && certain && now - since >= forMs;
      const alert: Alert = {
        ...{ id, condition, severity, subject, text, since, clearForMs, remindEveryMs },
        ...(host !== undefined && { host }),
        ...(group !== undefined && { group }),
        ...(code !== undefined && { code }),
        ...(fires ? { firedAt: now } : firedAt !== undefined && { firedAt }),
        ...(incident !== undefined && { incident }),
      };
      this.#alerts.set(id, alert);
      if (fires) changes.push({ what: 'firing', alert });
    }
    return changes;
  }

  #end(observed: readonly Observed[], now: number): readonly Change[] {
    const holding = new Set(observed.map(({ id }) => id));
    const changes: Change[] = [];
    for (const alert of this.#alerts.values()) {
      if (holding.has(alert.id)) continue;
      if (alert.firedAt === undefined) {
        this.#alerts.delete(alert.id);
        continue;
      }
      const { overSince = now } = alert;
      if (now - overSince < alert.clearForMs) {
        this.#alerts.set(alert.id, { ...alert, overSince });
        continue;
      }
      this.#alerts.delete(alert.id);
      changes.push({ what: 'cleared', alert });
    }
    return changes;
  }

  #join(alert: Alert, { now, gatherMs, newId }: Surroundings): void {
    const found = [...this.#incidents.values()].find((incident) => this.#takes(incident, alert));
    const { group, condition, severity, remindEveryMs } = alert;
    const incident = found ?? {
      ...{ id: newId(), condition, severity, startedAt: now, tellAt: now + gatherMs, remindEveryMs, members: [] },
      ...(group !== undefined && { group }),
    };
    const others = incident.members.filter(({ id }) => id !== alert.id);
    const joined = others.length < members ? [...others, summaryOf(alert)] : others;
    this.#incidents.set(incident.id, { ...incident, members: joined });
    this.#alerts.set(alert.id, { ...alert, incident: incident.id });
  }

  #takes(incident: Incident, { id, condition, severity, group }: Alert): boolean {
    if (incident.condition !== condition || incident.severity !== severity || incident.group !== group) return false;
    if (group !== undefined || incident.toldAt === undefined) return true;
    // What is over but was not told to be over, and begins again.
    return incident.members.some((each) => each.id === id) && this.#firingOf(incident).length === 0;
  }

  #firingOf({ id }: Incident): readonly Alert[] {
    return this.firing.filter(({ incident }) => incident === id);
  }

  #tell(incident: Incident, { now, isMuted }: Surroundings): readonly Told[] {
    const firing = this.#firingOf(incident);
    const alerts = firing.map(summaryOf);
    const { id, toldAt, tellAt, remindEveryMs } = incident;
    if (firing.length === 0) {
      if (toldAt !== undefined && incident.members.some(({ subject }) => isMuted(subject))) return [];
      this.#incidents.delete(id);
      return toldAt === undefined ? [] : [{ notice: 'cleared', incident, alerts: incident.members }];
    }
    if (toldAt === undefined ? now < tellAt : remindEveryMs === 0 || now - toldAt < remindEveryMs) return [];
    if (firing.every(({ subject }) => isMuted(subject))) return [];
    const told = { ...incident, toldAt: now };
    this.#incidents.set(id, told);
    return [{ notice: toldAt === undefined ? 'started' : 'reminder', incident: told, alerts }];
  }

  kept(): unknown {
    return { alerts: this.firing, incidents: [...this.#incidents.values()] };
  }

  /** Goes on where an earlier run ended. What was about to end begins to end anew: nobody knows how it stood in between. */
  restore(kept: unknown): void {
    const read = z.object({ alerts: z.array(keptAlert), incidents: z.array(keptIncident) }).safeParse(kept);
    if (!read.success) return;
    for (const { overSince: _, ...alert } of read.data.alerts) this.#alerts.set(alert.id, alert);
    for (const incident of read.data.incidents) this.#incidents.set(incident.id, incident);
  }
}
