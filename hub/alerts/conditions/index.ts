import type { Condition } from '../condition.ts';
import { connectionDown } from './connection-down.ts';
import { deadLetters, errorRate } from './errors.ts';
import { certificateExpiry, diskDaysLeft, storeFull, tablesRefused } from './hub.ts';
import { queueAge, queueDepth } from './queue.ts';
import { serviceBehind, serviceStopped, topicsSplit } from './services.ts';
import { channelFailed, destinationStopped } from './standing.ts';
import { testMessagesRefused, unusualSilence } from './traffic.ts';

/** Everything that a rule can watch; each holds with its defaults where no rule says otherwise. */
export const conditions: readonly Condition[] = [
  connectionDown,
  queueAge,
  queueDepth,
  destinationStopped,
  channelFailed,
  errorRate,
  deadLetters,
  unusualSilence,
  testMessagesRefused,
  certificateExpiry,
  diskDaysLeft,
  storeFull,
  tablesRefused,
  serviceStopped,
  serviceBehind,
  topicsSplit,
];
