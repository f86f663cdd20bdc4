/** The header that says who we are, by lower-case name; empty where there is none. */
export type Credentials = Readonly<Record<string, string>>;

export interface Authorization extends Disposable {
  /** Throws HubError, transient, scope destination, where none can be had now. */
  credentials(signal: AbortSignal): Promise<Credentials>;
  /** The far end did not take these; true where asking for others can help. */
  refused(credentials: Credentials): boolean;
}
