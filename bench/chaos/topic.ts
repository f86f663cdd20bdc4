import { TestTopics } from '../../clients/kafka/testing/topic.ts';
import { emptyStream, note, type Stream } from './ledger.ts';

/**
 * Everything in a topic, as a consumer outside of Weir reads it with the driver alone: in order within each key, with the effect
 * ids that it would act once on.
 */
export async function recordsOf(brokers: string, topic: string): Promise<Stream> {
  await using topics = await TestTopics.at(brokers);
  const stream = emptyStream();
  for (const { headers } of await topics.records(topic)) note(stream, headers['hl7.controlId']!, headers.effectId);
  return stream;
}

/** Events in the dead-letter topics. */
export async function deadLettersIn(brokers: string): Promise<number> {
  await using topics = await TestTopics.at(brokers);
  let count = 0;
  for (const name of await topics.admin.listTopics())
    if (name.endsWith('.dead-letters')) count += (await topics.records(name)).length;
  return count;
}
