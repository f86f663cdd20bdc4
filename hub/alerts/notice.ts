import type { HubAlert } from '../../contracts/hub-alert.ts';
import type { Meta } from '../../core/format.ts';
import { type AlertSummary, subjectText } from './alert.ts';
import type { Told } from './incidents.ts';

const listed = 100;
const shownChannels = 5;

/** A notice as it is written: the contract hub.alert.v1. */
export function noticeOf({ notice, incident, alerts }: Told, id: string, hub: string, now: number): HubAlert {
  const { condition, severity, group, startedAt } = incident;
  const [first] = alerts;
  const host = alerts.every((each) => each.host === first?.host) ? first?.host : undefined;
  return {
    id,
    incident: incident.id,
    notice,
    at: iso(now),
    hub,
    severity,
    condition,
    ...(host !== undefined && { host }),
    title: titleOf(notice, condition, host ?? group, alerts),
    startedAt: iso(startedAt),
    ...(notice === 'cleared' && { clearedAt: iso(now) }),
    alerts: alerts.slice(0, listed).map(shown),
    more: Math.max(0, alerts.length - listed),
  };
}

function shown({ subject, host, since, text, code }: AlertSummary): HubAlert['alerts'][number] {
  return {
    ...subject,
    ...(host !== undefined && { host }),
    since: iso(since),
    text,
    ...(code !== undefined && { code }),
  };
}

function titleOf(
  notice: Told['notice'],
  condition: string,
  place: string | undefined,
  alerts: readonly AlertSummary[],
): string {
  const [first] = alerts;
  const what =
    alerts.length === 1 && first
      ? `${subjectText(first.subject)}: ${first.text}`
      : `${alerts.length} × ${condition}${place === undefined ? '' : ` of ${place}`}`;
  return notice === 'started' ? what : `${notice === 'cleared' ? 'over' : 'still'}: ${what}`;
}

/** The same for people: a line each. */
export function noticeText(notice: HubAlert): string {
  const lines = notice.alerts.map(({ channel, destination, endpoint, since, text }) => {
    const subject = subjectText({ channel, destination, endpoint });
    return `- ${subject}: ${text} (since ${since})`;
  });
  return [
    `${notice.severity}: ${notice.title}`,
    '',
    `Hub: ${notice.hub}`,
    `Condition: ${notice.condition}`,
    `Started: ${notice.startedAt}`,
    ...(notice.clearedAt === undefined ? [] : [`Over: ${notice.clearedAt}`]),
    '',
    ...lines,
    ...(notice.more > 0 ? [`and ${notice.more} others`] : []),
    '',
    `Incident ${notice.incident}`,
    '',
  ].join('\n');
}

/** What templates of connectors fill in: the subject of a mail, the name of a file. */
export function noticeMeta(notice: HubAlert): Meta {
  const channels = [...new Set(notice.alerts.flatMap(({ channel }) => channel ?? []))];
  const more = channels.length > shownChannels ? ` and ${channels.length - shownChannels} others` : '';
  return {
    'alert.notice': notice.notice,
    'alert.severity': notice.severity,
    'alert.condition': notice.condition,
    'alert.title': notice.title,
    'alert.channel': `${channels.slice(0, shownChannels).join(', ')}${more}`,
    'alert.host': notice.host ?? '',
    'alert.hub': notice.hub,
    'alert.incident': notice.incident,
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
