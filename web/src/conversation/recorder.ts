/* Hands each finished part to the queue, once. */

import type { TranscriptQueue } from '../transcripts/queue';
import type { Conversation } from './conversation';
import { finishedRecords, type RecordContext } from './records';

export class Recorder {
  private readonly queue: TranscriptQueue;
  private readonly recorded = new Set<string>();
  private seen: Conversation | undefined;

  constructor(queue: TranscriptQueue) {
    this.queue = queue;
  }

  record(conversation: Conversation, owner: string, context: RecordContext): void {
    if (conversation === this.seen) {
      return;
    }

    this.seen = conversation;

    for (const record of finishedRecords(conversation, context)) {
      if (!this.recorded.has(record.item_id)) {
        this.recorded.add(record.item_id);
        this.queue.add(owner, record);
      }
    }
  }
}
