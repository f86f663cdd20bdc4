/** UCUM prefixes, case sensitive. */
export const PREFIXES = [
  ...['Y', 'Z', 'E', 'P', 'T', 'G', 'M', 'k', 'h', 'da', 'd', 'c', 'm', 'u', 'n', 'p', 'f', 'a', 'z', 'y'],
  ...['Ki', 'Mi', 'Gi', 'Ti'],
] as const;

/** Unit atoms of UCUM that take a prefix: those that devices and laboratories use. */
export const METRIC = new Set([
  // units of the SI and derived ones
  ...['m', 's', 'g', 'rad', 'K', 'C', 'cd', 'mol', 'sr', 'Hz', 'N', 'Pa', 'J', 'W', 'A', 'V', 'F', 'Ohm', 'S', 'Wb'],
  ...[
    'Cel',
    'T',
    'H',
    'lm',
    'lx',
    'Bq',
    'Gy',
    'Sv',
    'l',
    'L',
    'ar',
    't',
    'bar',
    'u',
    'eV',
    'kat',
    'B',
    'Np',
    'Ci',
    'R',
  ],
  // of medicine
  ...['m[Hg]', 'm[H2O]', 'eq', 'osm', 'U', '[iU]', '[IU]', 'cal', 'g%', 'dyn', 'P', 'St', 'bit', 'By', 'Bd'],
]);

/** Unit atoms of UCUM that take none. */
export const PLAIN = new Set([
  ...['10*', '10^', '[pi]', '%', '[ppth]', '[ppm]', '[ppb]', '[pptr]', 'gon', 'deg', "'", "''"],
  ...['min', 'h', 'd', 'a', 'a_j', 'a_g', 'a_t', 'wk', 'mo', 'mo_j', 'mo_s', 'mo_g', 'atm'],
  ...['[degF]', '[degR]', '[psi]', '[in_i]', '[ft_i]', '[yd_i]', '[mi_i]', '[lb_av]', '[oz_av]', '[gr]', '[lbf_av]'],
  ...["[in_i'Hg]", "[in_i'H2O]", '[gal_us]', '[pt_us]', '[foz_us]', '[Cal]', '[Btu]', '[HP]', '[g]', '[G]'],
  ...[
    '[pH]',
    '[diop]',
    '[MET]',
    '[drp]',
    '[Ch]',
    '[hd_i]',
    '[CFU]',
    '[PFU]',
    '[FFU]',
    '[HPF]',
    '[LPF]',
    '[ELU]',
    '[EU]',
  ],
  ...["[arb'U]", '[AU]', '[CCID_50]', '[TCID_50]', '[EID_50]', '[Lf]', '[PNU]', '[BAU]', "[USP'U]", "[anti'Xa'U]"],
  ...['[S]', "[ka'U]", "[knk'U]", "[mclg'U]", "[tb'U]", "[GPL'U]", "[MPL'U]", "[APL'U]", "[beth'U]", "[todd'U]"],
  ...["[bdsk'U]", "[dye'U]", "[smgy'U]", '[HL]', '[m/s2/Hz^0.5]', '[PRU]', "[wood'U]"],
]);

/** What is often written instead, and what UCUM has for it. */
export const MISTAKES: Readonly<Record<string, string>> = {
  bpm: '/min',
  BPM: '/min',
  'beats/min': '{beats}/min',
  'breaths/min': '{breaths}/min',
  rpm: '/min',
  mmHg: 'mm[Hg]',
  cmH2O: 'cm[H2O]',
  '°C': 'Cel',
  degC: 'Cel',
  '°F': '[degF]',
  degF: '[degF]',
  psi: '[psi]',
  inHg: "[in_i'Hg]",
  IU: '[IU]',
  'IU/L': '[IU]/L',
  pH: '[pH]',
  sec: 's',
  hr: 'h',
  day: 'd',
  ppm: '[ppm]',
  percent: '%',
  'µmol/L': 'umol/L',
  µg: 'ug',
  mcg: 'ug',
  'x10^9/L': '10*9/L',
  '10^9/L': '10*9/L',
  'cells/uL': '{cells}/uL',
};
