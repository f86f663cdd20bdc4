/** The versions that there are definitions for, oldest first; a definition names them by their bits in this order. */
export const VERSIONS = ['2.1', '2.2', '2.3', '2.3.1', '2.4', '2.5', '2.5.1', '2.6', '2.7', '2.7.1', '2.8'] as const;

export type Version = (typeof VERSIONS)[number];
