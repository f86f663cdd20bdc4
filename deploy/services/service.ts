/** The servers that tests and development use, each a real one. */
export const serviceNames = ['postgres', 'pgbouncer', 'redis', 'mosquitto', 'rabbitmq', 'kafka'] as const;

export type ServiceName = (typeof serviceNames)[number];

/** The environment variable that names a service which runs elsewhere; it is taken as it is, and nothing is started. */
export const addressVariables: Readonly<Record<ServiceName, string>> = {
  postgres: 'WEIR_TEST_POSTGRES_URL',
  pgbouncer: 'WEIR_TEST_PGBOUNCER_URL',
  redis: 'WEIR_TEST_REDIS_URL',
  mosquitto: 'WEIR_TEST_MOSQUITTO_URL',
  rabbitmq: 'WEIR_TEST_RABBITMQ_URL',
  kafka: 'WEIR_TEST_KAFKA_BROKERS',
};

/** A service stands behind another, which has to run first and ends last. */
export const standsBehind: Readonly<Partial<Record<ServiceName, ServiceName>>> = { pgbouncer: 'postgres' };

/** What one start may say. */
export interface ServiceOptions {
  /** Brokers of Kafka, 1 or 3. */
  readonly brokers: number;
  /**
   * What goes last into the configuration of the service, in its own words. `{port:name}` in a value stands for a port: one of its
   * own ones, or a free one that is then known by that name.
   */
  readonly settings: Readonly<Record<string, string>>;
}

export const defaultOptions: ServiceOptions = { brokers: 1, settings: {} };

/** One operating system process of a service. */
export interface ProcessPlan {
  /** Unique in the service; its output goes to `log/<name>.log`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** How it is asked to end in an orderly way. */
  readonly stop: 'SIGTERM' | 'SIGINT';
}

/** How a service is run as processes of this machine, on ports that are free now. */
export interface ServicePlan {
  /** Started in this order, ended in the opposite one. */
  readonly processes: readonly ProcessPlan[];
  /** What a client connects to: a URL, for Kafka `host:port` of each broker with commas between. */
  readonly address: string;
  /** URL of its management API, with user and password, where it has one. */
  readonly management?: string;
  /** Resolves once the service answers in its own protocol; rejects while it does not. */
  probe(): Promise<void>;
}

/** What a kind of service finds on this machine when it plans. */
export interface Place {
  /** Folder of this service alone: data, configuration, logs. */
  readonly directory: string;
  /** Folder that the services share: unpacked packages, jars. */
  readonly shared: string;
  /** Whom the processes run as, where this process is root: several servers refuse to be root. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /** Ports of the last start by name, so that a restart finds its clients again; a name that is missing is given a free one. */
  port(name: string): Promise<number>;
  /** Address of the service that it stands behind. */
  readonly behind: string | undefined;
  readonly options: ServiceOptions;
}

export interface ServiceKind {
  /** Gets its programs, into the folder that services share where the machine has none. Rejects with the reason it cannot. */
  obtain(shared: string): Promise<unknown>;
  /** Gets what it needs, makes its data where there is none yet, writes its configuration. Rejects with the reason it cannot. */
  plan(place: Place): Promise<ServicePlan>;
}
