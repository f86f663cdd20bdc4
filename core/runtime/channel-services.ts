import type { Cluster } from '../cluster/cluster.ts';
import type { Clock, Log, TcpListener } from '../component.ts';
import type { Endpoint } from '../endpoint.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Processing } from '../processing.ts';
import type { MessageStore, NewMessage } from '../store/message-store.ts';
import type { HoldInForce } from './dispatch/operator-holds.ts';
import type { Pumps } from './pumps.ts';
import type { Rates } from './rates/rates.ts';

/** What a channel needs of the hub around it. */
export interface ChannelServices {
  readonly store: MessageStore;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly newId: () => string;
  endpoint(name: string): Endpoint | undefined;
  listen(endpoint: string): Promise<TcpListener>;
  /** Closes listening sockets that the channel no longer uses. */
  unlisten(endpoints: readonly string[]): Promise<void>;
  /** The disk or the whole store is full. */
  storeFull(): boolean;
  /** What the hub is for; undefined where it takes everything. */
  processing(): Processing | undefined;
  /** Stores a message of another channel; one that it has already is left alone. */
  inject(channel: string, message: NewMessage): Promise<void>;
  /** The same for a message that another channel gives; rejects while that one is not there or full. */
  give(channel: string, message: NewMessage): Promise<void>;
  remember(name: string, value: string): Promise<void>;
  recall(name: string): Promise<string | undefined>;
  readonly rates: Rates;
  /** Where the first passes of all channels run. */
  readonly pumps: Pumps;
  /** The holds of operators at a destination of a channel. */
  holds(channel: string, destination: string): readonly HoldInForce[];
  /** False after a crash: messages in memory then may have been its cause (rule 21). */
  readonly cleanStart: boolean;
  /** The other hubs that have the store open; undefined where it is this hub's alone. */
  readonly cluster: Cluster | undefined;
}
