/** An admission of somebody who does not exist. Segments end with a line feed here, so that an editor shows them. */
export const admission = `MSH|^~\\&|EHR|HOSP|WEIR|HOSP|20260302081500+0100||ADT^A01^ADT_A01|ADT00001|P|2.5.1||||||UNICODE UTF-8
EVN|A01|20260302081500+0100
PID|1||4711001^^^HOSP^MR||Berger^Anna^Maria||19580417|F|||12 Lindenweg^^Seeburg^^10115^DEU
PV1|1|I|3W^312^A^HOSP||||1001^Keller^Ruth^^^Dr|||MED||||1|||1001^Keller^Ruth^^^Dr||V70001^^^HOSP^VN
`;

/** A discharge of the same. */
export const discharge = admission
  .replace('ADT^A01^ADT_A01|ADT00001', 'ADT^A03^ADT_A03|ADT00002')
  .replace('EVN|A01', 'EVN|A03');

/** A result: what an ADT channel does not take. */
export const result = `MSH|^~\\&|LAB|HOSP|WEIR|HOSP|20260302101500+0100||ORU^R01^ORU_R01|ORU00001|P|2.5.1||||||UNICODE UTF-8
PID|1||4711001^^^HOSP^MR||Berger^Anna^Maria||19580417|F
OBR|1|P1|F1|718-7^Hemoglobin^LN|||20260302093000+0100|||||||||1001^Keller^Ruth||||||20260302101000+0100|||F
OBX|1|NM|718-7^Hemoglobin^LN||13.2|g/dL|12.0-16.0|N|||F
`;
