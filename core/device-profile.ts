/** What the core knows of a device profile; the rest is between contracts and components. Plain data. */
export interface NamedDevices {
  readonly name: string;
  readonly devices: readonly { readonly id: string }[];
}
