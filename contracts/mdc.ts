/** Codes of IEEE 11073-10101 with their reference names, for messages that want both: those of a bedside. */
const NAMES: Readonly<Record<number, string>> = {
  147842: 'MDC_ECG_CARD_BEAT_RATE',
  149514: 'MDC_PULS_RATE',
  149530: 'MDC_PULS_OXIM_PULS_RATE',
  149546: 'MDC_PULS_RATE_NON_INV',
  150021: 'MDC_PRESS_BLD_NONINV_SYS',
  150022: 'MDC_PRESS_BLD_NONINV_DIA',
  150023: 'MDC_PRESS_BLD_NONINV_MEAN',
  150037: 'MDC_PRESS_BLD_ART_ABP_SYS',
  150038: 'MDC_PRESS_BLD_ART_ABP_DIA',
  150039: 'MDC_PRESS_BLD_ART_ABP_MEAN',
  150344: 'MDC_TEMP',
  150364: 'MDC_TEMP_BODY',
  150456: 'MDC_PULS_OXIM_SAT_O2',
  151562: 'MDC_RESP_RATE',
};

/** Units: code and reference name, and what UCUM writes. */
const UNITS: readonly (readonly [code: number, name: string, ucum: string])[] = [
  [262656, 'MDC_DIM_DIMLESS', '1'],
  [262688, 'MDC_DIM_PERCENT', '%'],
  [263441, 'MDC_DIM_CENTI_M', 'cm'],
  [263762, 'MDC_DIM_MILLI_L', 'mL'],
  [263875, 'MDC_DIM_KILO_G', 'kg'],
  [263890, 'MDC_DIM_MILLI_G', 'mg'],
  [264338, 'MDC_DIM_MILLI_SEC', 'ms'],
  [264352, 'MDC_DIM_MIN', 'min'],
  [264864, 'MDC_DIM_BEAT_PER_MIN', '{beats}/min'],
  [264928, 'MDC_DIM_RESP_PER_MIN', '{breaths}/min'],
  [265266, 'MDC_DIM_MILLI_L_PER_HR', 'mL/h'],
  [266016, 'MDC_DIM_MMHG', 'mm[Hg]'],
  [266560, 'MDC_DIM_FAHR', '[degF]'],
  [268192, 'MDC_DIM_DEGC', 'Cel'],
];

/** The reference name of a code: 147842 is `MDC_ECG_CARD_BEAT_RATE`; undefined where it is not among those of a bedside. */
export function mdcName(code: number): string | undefined {
  return NAMES[code];
}

/** The unit of IEEE 11073 that a unit of UCUM is. */
export function mdcUnit(ucum: string): { readonly code: number; readonly name: string } | undefined {
  const [code, name] = byUcum.get(ucum) ?? [];
  return code === undefined ? undefined : { code, name: name! };
}

/** The unit of UCUM that a unit of IEEE 11073 is, by its code or its reference name. */
export function ucumOfMdc(unit: string): string | undefined {
  return ucumBy.get(unit);
}

const byUcum = new Map(UNITS.map((unit) => [unit[2], unit]));
const ucumBy = new Map(UNITS.flatMap(([code, name, ucum]) => [[String(code), ucum] as const, [name, ucum] as const]));
