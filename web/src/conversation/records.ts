/*
 * From a conversation to what is stored: one record for each finished part.
 *
 * The store orders by time, so the times handed out here follow the chain of
 * items, although the words may have arrived in another order.
 */

import type { TranscriptRecord } from '../client/gateway';
import type { Conversation } from './conversation';

/** The store takes 16 KB of UTF-8 for one text; a long answer is cut in pieces. */
const MAX_BYTES = 16_000;

export interface RecordContext {
  userId: string | undefined;
  sessionId: string | undefined;
  callId: string | undefined;
}

/** Cuts at spaces where it can, never inside a character. */
export function cutText(text: string, maxBytes = MAX_BYTES): string[] {
  const bytes = new TextEncoder();

  if (bytes.encode(text).length <= maxBytes) {
    return [text];
  }

  const pieces: string[] = [];
  let piece = '';
  let size = 0;

  for (const word of text.split(/(?<=\s)/u)) {
    for (const unit of bytes.encode(word).length > maxBytes ? word : [word]) {
      const length = bytes.encode(unit).length;

      if (size + length > maxBytes) {
        pieces.push(piece);
        piece = '';
        size = 0;
      }

      piece += unit;
      size += length;
    }
  }

  pieces.push(piece);
  return pieces.map((part) => part.trim()).filter((part) => part !== '');
}

/**
 * The records of the parts that are finished. Their ids are stable, so the
 * same part asked for twice is the same record: the store adds it once.
 */
export function finishedRecords(
  state: Conversation,
  context: RecordContext,
): TranscriptRecord[] {
  const records: TranscriptRecord[] = [];
  let last = 0;

  for (const id of state.order) {
    const item = state.items[id];

    if (item?.role === undefined) {
      continue;
    }

    last = Math.max(item.at, last + 1);

    item.parts.forEach((part, index) => {
      if (!part.final || part.text.trim() === '' || item.call !== state.call) {
        return;
      }

      cutText(part.text.trim()).forEach((text, piece) => {
        const first = index === 0 && piece === 0;

        last += first ? 0 : 1;
        records.push({
          text,
          role: item.role as 'user' | 'assistant',
          item_id: first ? id : `${id}#${index}.${piece}`,
          timestamp: new Date(last).toISOString(),
          user_id: context.userId,
          session_id: context.sessionId,
          call_id: context.callId,
          previous_item_id: item.previousId ?? undefined,
        });
      });
    });
  }

  return records;
}
