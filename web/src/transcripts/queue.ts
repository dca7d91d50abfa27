/*
 * The way of a transcript from the call to the gateway.
 *
 * add() returns at once and never throws: a call must not wait for storage.
 * What was added is kept in the outbox until the gateway acknowledged it, and
 * is sent in order of time, in batches, again and again with growing pauses.
 * Sending twice does no harm: the record's item_id makes the write idempotent.
 */

import type { TranscriptRecord } from '../client/gateway';
import { asProblem, type Problem } from '../client/problem';
import type { Entry, Outbox } from './outbox';

export interface QueueOptions {
  outbox: Outbox;
  /** Resolves when the gateway has the records; throws a Problem otherwise. */
  send(records: TranscriptRecord[], options: { keepalive?: boolean }): Promise<unknown>;
  /** Whose token is used now. */
  owner(): string | Promise<string>;
  /** After each change of what waits, and of what hinders it. */
  onChange?(state: QueueState): void;
  /** A record the gateway will never take; it waits no longer. */
  onRejected?(record: TranscriptRecord, problem: Problem): void;
  /** For tests. */
  random?: () => number;
}

export interface QueueState {
  waiting: number;
  /** Why the last attempt failed; null while all is well. */
  problem: Problem | null;
}

/** The gateway's own limits: 100 records and 256 KB for one request. */
const BATCH_RECORDS = 100;
const BATCH_BYTES = 200_000;

/** What browsers let a page send while it goes away. */
const KEEPALIVE_BYTES = 60_000;

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;

/** Statuses that say "this record", not "now": asking again changes nothing. */
const REFUSED = new Set([400, 413, 415, 422]);

export class TranscriptQueue {
  private readonly options: QueueOptions;
  private readonly entries = new Map<string, Entry>();
  private readonly loaded: Promise<void>;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pause = FIRST_PAUSE;
  private problem: Problem | null = null;
  private running: Promise<void> | undefined;
  private closed = false;

  constructor(options: QueueOptions) {
    this.options = options;
    this.loaded = this.load();
  }

  private async load(): Promise<void> {
    const entries = await this.options.outbox.all().catch(() => []);

    for (const entry of entries) {
      this.entries.set(entry.key, entry);
    }

    if (entries.length > 0) {
      this.changed();
      this.flush();
    }
  }

  private changed() {
    this.options.onChange?.({ waiting: this.entries.size, problem: this.problem });
  }

  /** Takes a record for `owner`; it is on its way when this returns. */
  add(owner: string, record: TranscriptRecord): void {
    const key = [owner, record.session_id ?? '', record.item_id, record.role].join('\n');
    const entry = { key, owner, record };

    this.entries.set(key, entry);
    this.options.outbox.put(entry).catch(() => {
      // No room on disk: it still waits in memory.
    });
    this.changed();

    if (this.timer === undefined) {
      this.flush();
    }
  }

  /** What waits, in order of time. */
  list(): Entry[] {
    return [...this.entries.values()].sort((a, b) =>
      a.record.timestamp < b.record.timestamp ? -1 : 1,
    );
  }

  /** Resolves when what the database held is known. */
  async ready(): Promise<void> {
    await this.loaded;
  }

  /** Tries now, whatever the pause: a new token, the network is back. */
  retry(): Promise<void> {
    this.pause = FIRST_PAUSE;
    return this.flush();
  }

  /** Sends what can be sent; one attempt runs at a time. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.running ??= this.run();
    return this.running;
  }

  /**
   * The page goes away: sends the last words without waiting for an answer.
   * They stay in the outbox until a later page hears that they arrived.
   */
  async leave(owner: string): Promise<void> {
    const mine = this.list().filter((entry) => entry.owner === owner);
    const records = batchOf(mine, KEEPALIVE_BYTES).map((entry) => entry.record);

    if (records.length > 0) {
      await this.options.send(records, { keepalive: true }).catch(() => {});
    }
  }

  /** Stops trying; what waits stays in the outbox. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.options.outbox.close();
  }

  private async run(): Promise<void> {
    await this.loaded;

    while (!this.closed) {
      const owner = await this.options.owner();
      const mine = this.list().filter((entry) => entry.owner === owner);

      if (mine.length === 0) {
        this.settle(null);
        return;
      }

      try {
        await this.sendBatch(batchOf(mine, BATCH_BYTES));
        this.pause = FIRST_PAUSE;
      } catch (error) {
        this.settle(asProblem(error, 'network'));
        return;
      }
    }
  }

  /** Throws where it is worth another attempt. */
  private async sendBatch(batch: Entry[]): Promise<void> {
    try {
      await this.options.send(
        batch.map((entry) => entry.record),
        {},
      );
    } catch (error) {
      const problem = asProblem(error, 'network');

      if (!REFUSED.has(problem.status ?? 0)) {
        throw problem;
      }

      // An array is refused whole: find the one, save the others.
      if (batch.length > 1) {
        for (const entry of batch) {
          await this.sendBatch([entry]);
        }
        return;
      }

      for (const entry of batch) {
        this.options.onRejected?.(entry.record, problem);
      }
    }

    await this.forget(batch);
  }

  private async forget(batch: Entry[]): Promise<void> {
    const keys = batch.map((entry) => entry.key);

    for (const key of keys) {
      this.entries.delete(key);
    }

    await this.options.outbox.remove(keys).catch(() => {});
    this.changed();
  }

  private settle(problem: Problem | null) {
    const different = this.problem !== problem;

    // Not in a finally(): what is added right after this must start a new run.
    this.running = undefined;
    this.problem = problem;

    if (problem !== null && !this.closed) {
      const random = this.options.random ?? Math.random;
      const wait = Math.max(
        this.pause * (0.75 + random() / 2),
        (problem.retryAfter ?? 0) * 1_000,
      );

      this.timer = setTimeout(() => this.flush(), wait);
      this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
    }

    if (different) {
      this.changed();
    }
  }
}

/** As many as fit, at least one. */
function batchOf(entries: Entry[], maxBytes: number): Entry[] {
  const bytes = new TextEncoder();
  const batch: Entry[] = [];
  let size = 0;

  for (const entry of entries.slice(0, BATCH_RECORDS)) {
    size += bytes.encode(JSON.stringify(entry.record)).length + 1;

    if (batch.length > 0 && size > maxBytes) {
      break;
    }

    batch.push(entry);
  }

  return batch;
}
