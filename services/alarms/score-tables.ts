/** Points for all values up to and including `to`, above those of the band before it. The last band has no end. */
export interface Band {
  readonly to?: number;
  readonly points: number;
}

export type ScoredVital = 'respiration' | 'spo2' | 'systolic' | 'pulse' | 'temperature';
export type Bands = Readonly<Partial<Record<ScoredVital, readonly Band[]>>>;

/** NEWS2 (Royal College of Physicians, 2017), for values of chart precision: whole numbers, temperatures to 0.1 °C. */
export const news2 = {
  bands: {
    respiration: [
      { to: 8, points: 3 },
      { to: 11, points: 1 },
      { to: 20, points: 0 },
      { to: 24, points: 2 },
      { points: 3 },
    ],
    spo2: [{ to: 91, points: 3 }, { to: 93, points: 2 }, { to: 95, points: 1 }, { points: 0 }],
    systolic: [
      ...[{ to: 90, points: 3 }, { to: 100, points: 2 }, { to: 110, points: 1 }, { to: 219, points: 0 }, { points: 3 }],
    ],
    pulse: [
      ...[
        { to: 40, points: 3 },
        { to: 50, points: 1 },
        { to: 90, points: 0 },
      ],
      ...[{ to: 110, points: 1 }, { to: 130, points: 2 }, { points: 3 }],
    ],
    temperature: [
      ...[{ to: 35, points: 3 }, { to: 36, points: 1 }, { to: 38, points: 0 }, { to: 39, points: 1 }, { points: 2 }],
    ],
  },
  /** SpO2 scale 2, for patients with hypercapnic respiratory failure, on a clinician’s order only. */
  scale2: {
    air: [{ to: 83, points: 3 }, { to: 85, points: 2 }, { to: 87, points: 1 }, { points: 0 }],
    oxygen: [
      ...[
        { to: 83, points: 3 },
        { to: 85, points: 2 },
        { to: 87, points: 1 },
        { to: 92, points: 0 },
      ],
      ...[{ to: 94, points: 1 }, { to: 96, points: 2 }, { points: 3 }],
    ],
  },
  oxygen: 2,
  /** C confused, V responds to voice, P to pain, U unresponsive; A alert. */
  consciousness: { A: 0, C: 3, V: 3, P: 3, U: 3 },
} as const satisfies { readonly bands: Bands } & Readonly<Record<string, unknown>>;

/** MEWS (Subbe et al., QJM 2001;94:521–526). */
export const mews = {
  bands: {
    systolic: [
      ...[{ to: 70, points: 3 }, { to: 80, points: 2 }, { to: 100, points: 1 }, { to: 199, points: 0 }, { points: 2 }],
    ],
    pulse: [
      ...[
        { to: 39, points: 2 },
        { to: 50, points: 1 },
        { to: 100, points: 0 },
      ],
      ...[{ to: 110, points: 1 }, { to: 129, points: 2 }, { points: 3 }],
    ],
    respiration: [
      { to: 8, points: 2 },
      { to: 14, points: 0 },
      { to: 20, points: 1 },
      { to: 29, points: 2 },
      { points: 3 },
    ],
    temperature: [{ to: 34.9, points: 2 }, { to: 38.4, points: 0 }, { points: 2 }],
  },
  consciousness: { A: 0, V: 1, P: 2, U: 3 },
} as const satisfies { readonly bands: Bands } & Readonly<Record<string, unknown>>;
