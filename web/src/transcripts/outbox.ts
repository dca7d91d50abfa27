/*
 * Where transcripts wait until the gateway has them: IndexedDB, so that they
 * survive a reload, a crash and being offline. Where the browser gives no
 * database (private windows, a full disk) they wait in memory instead.
 */

import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { TranscriptRecord } from '../client/gateway';

export interface Entry {
  /** One for each record of each user: put twice, it waits once. */
  key: string;
  /** Whose words these are; they are never sent with another one's token. */
  owner: string;
  record: TranscriptRecord;
}

export interface Outbox {
  all(): Promise<Entry[]>;
  put(entry: Entry): Promise<void>;
  remove(keys: string[]): Promise<void>;
  close(): void;
}

interface Schema extends DBSchema {
  outbox: { key: string; value: Entry };
}

export const DATABASE = 'ngx-realtime-voice';

export function openOutbox(name = DATABASE): Outbox {
  let opened: Promise<IDBPDatabase<Schema> | null> | undefined;

  function database(): Promise<IDBPDatabase<Schema> | null> {
    opened ??= openDB<Schema>(name, 1, {
      upgrade: (db) => {
        db.createObjectStore('outbox', { keyPath: 'key' });
      },
    }).catch(() => null);

    return opened;
  }

  return {
    async all() {
      return (await (await database())?.getAll('outbox')) ?? [];
    },

    async put(entry) {
      await (await database())?.put('outbox', entry);
    },

    async remove(keys) {
      const transaction = (await database())?.transaction('outbox', 'readwrite');

      if (transaction !== undefined) {
        await Promise.all(keys.map((key) => transaction.store.delete(key)));
        await transaction.done;
      }
    },

    close() {
      opened?.then((db) => db?.close());
      opened = undefined;
    },
  };
}
