/** A channel that takes ADT and sends it nowhere yet. */
export function newChannel(name: string): string {
  return `# What this channel is for, and who answers for it.
# weir docs channel lists every key; weir explain ${name} says in words what the file does.
channel: ${name}
# Where messages come from. Where ${name}-in is, env/<name>.yaml says for each environment.
source: { mllp: { endpoint: ${name}-in } }
# Which messages are taken; any other is answered positively and kept as filtered.
filter: { MSH-9.1: ADT }
# Messages that share an identifier stay in order; without key: all of them do.
key: ['PID-3[5=MR]', 'MRG-1[5=MR]']
# What every message goes through, in order, e.g.
# steps:
#   - mapping: { file: maps/${name}.map.yaml }
destinations:
  # Replace discard by where it goes: weir docs lists the destinations, e.g.
  # to: { mllp: { endpoint: lab-adt } }
  nowhere:
    filter: { MSH-9.2: [A01, A02, A03, A08] }
    to: { discard: {} }
# weir test runs these without a hub. A key that is no key of tests is the name of a destination.
tests:
  - name: an admission is taken, and goes on as it came
    given: tests/${name}.hl7
    reply: AA
    nowhere: tests/${name}.hl7
`;
}

/** A sender that does nothing in its own way yet. */
export function newProfile(name: string): string {
  return `# What this sender does in its own way. A channel takes it with profile: ${name}.
# weir docs profile lists every key. What is not said here is as HL7 has it.
profile: ${name}
# Times that say no zone are in this one.
zone: Europe/Berlin
# The character set that its bytes are really in, where MSH-18 does not say so or is wrong:
# charset: 8859/1
# Names that it gives itself, and what channels know it by:
# aliases:
#   facility: { KH1: HOSP }
# How it wants to be answered; keys of the source's configuration, by its type:
# source:
#   mllp: { acknowledgement: { mode: original } }
`;
}

/** A map that changes nothing but who it is for. */
export function newMapping(name: string): string {
  return `# What happens field by field. weir docs map lists every key, weir docs functions what do: knows.
# weir try <channel> <message file> shows what it changes.
map: ${name}
description: What it is for.
from: hl7v2
to: hl7v2
rules:
  - set:
      # A text as it is:
      MSH-5: RECEIVER
      # From another field, changed on the way; from a code table; put together:
      PID-5.1: { from: PID-5.1, do: [upper] }
      # PV1-2: { from: PV1-2, table: patient-class, unknown: pass }
      # PID-5.2: '\${PID-5.2} \${PID-5.3}'
  # Only for some messages:
  # - when: { MSH-9.2: A03 }
  #   delete: NK1
`;
}

/** A code table with one row. */
export function newTable(name: string): string {
  return `# table: ${name}
# owner: Who answers for it
# version: ${new Date().toISOString().slice(0, 7)}
code,meaning
A,First
`;
}
