/** A test of a panel: LOINC code, its name, unit, the range that is normal, and the limits beyond which it is critical. */
export interface Analyte {
  readonly code: string;
  readonly name: string;
  readonly unit: string;
  readonly low: number;
  readonly high: number;
  readonly panicLow: number;
  readonly panicHigh: number;
  readonly digits: number;
}

export interface Panel {
  readonly code: string;
  readonly name: string;
  readonly analytes: readonly Analyte[];
}

const analyte = (
  code: string,
  name: string,
  unit: string,
  [low, high]: readonly [number, number],
  [panicLow, panicHigh]: readonly [number, number],
  digits: number,
): Analyte => ({ code, name, unit, low, high, panicLow, panicHigh, digits });

const metabolic: Panel = {
  code: '51990-0',
  name: 'Basic metabolic panel',
  analytes: [
    analyte('2823-3', 'Potassium', 'mmol/L', [3.5, 5.1], [2.8, 6.2], 1),
    analyte('2951-2', 'Sodium', 'mmol/L', [136, 145], [120, 160], 0),
    analyte('2345-7', 'Glucose', 'mg/dL', [70, 110], [50, 400], 0),
    analyte('2160-0', 'Creatinine', 'mg/dL', [0.6, 1.2], [0.2, 7.4], 1),
  ],
};

const bloodCount: Panel = {
  code: '58410-2',
  name: 'CBC panel',
  analytes: [
    analyte('718-7', 'Hemoglobin', 'g/dL', [12, 17], [7, 20], 1),
    analyte('6690-2', 'Leukocytes', '10*3/uL', [4, 11], [2, 30], 1),
    analyte('777-3', 'Platelets', '10*3/uL', [150, 400], [20, 1000], 0),
  ],
};

const troponin: Panel = {
  code: '89579-7',
  name: 'Troponin I, high sensitivity',
  analytes: [analyte('89579-7', 'Troponin I', 'ng/L', [0, 34], [-1, 120], 0)],
};

export const panels = [metabolic, bloodCount, troponin] as const;
