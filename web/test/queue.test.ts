import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TranscriptRecord } from '../src/client/gateway';
import { Problem } from '../src/client/problem';
import { openOutbox } from '../src/transcripts/outbox';
import { type QueueOptions, TranscriptQueue } from '../src/transcripts/queue';

/** A fresh database for each test, the same one for "reloads" within it. */
let database = 0;
const queues: TranscriptQueue[] = [];

const record = (item: string, second = 0): TranscriptRecord => ({
  text: `text of ${item}`,
  role: 'user',
  item_id: item,
  timestamp: new Date(1_000 * second).toISOString(),
});

const offline = () => Promise.reject(new TypeError('Failed to fetch'));
const refusing = (status: number, retryAfter?: number) => () =>
  Promise.reject(new Problem('request', `HTTP ${status}`, { status, retryAfter }));

function open(send: QueueOptions['send'], more: Partial<QueueOptions> = {}) {
  const queue = new TranscriptQueue({
    outbox: openOutbox(`test-${database}`),
    owner: () => 'ann',
    send,
    random: () => 0.5,
    ...more,
  });

  queues.push(queue);
  return queue;
}

const itemsOf = (send: ReturnType<typeof vi.fn>) =>
  send.mock.calls.map(([records]) =>
    (records as TranscriptRecord[]).map((sent) => sent.item_id),
  );

beforeEach(() => {
  database += 1;
});

afterEach(() => {
  for (const queue of queues.splice(0)) {
    queue.close();
  }
  vi.useRealTimers();
});

describe('sending', () => {
  it('sends what was added, and then forgets it', async () => {
    const send = vi.fn(() => Promise.resolve());
    const queue = open(send);

    queue.add('ann', record('i1'));
    await vi.waitFor(() => expect(queue.list()).toEqual([]));

    expect(itemsOf(send)).toEqual([['i1']]);
    expect(await openOutbox(`test-${database}`).all()).toEqual([]);
  });

  it('sends in the order of time, in batches the gateway takes', async () => {
    const send = vi.fn(() => Promise.resolve());
    const queue = open(offline);

    for (let index = 149; index >= 0; index -= 1) {
      queue.add('ann', record(`i${index}`, index));
    }
    await vi.waitFor(async () =>
      expect(await openOutbox(`test-${database}`).all()).toHaveLength(150),
    );
    queue.close();

    const next = open(send);
    await vi.waitFor(() => expect(send).toHaveBeenCalledTimes(2));
    await vi.waitFor(() => expect(next.list()).toEqual([]));

    expect(itemsOf(send)[0]).toHaveLength(100);
    expect(itemsOf(send).flat()).toEqual(
      Array.from({ length: 150 }, (_, index) => `i${index}`),
    );
  });

  it('keeps a batch below the size the gateway takes', async () => {
    const send = vi.fn((_: TranscriptRecord[]) => Promise.resolve());
    const long = 'é'.repeat(8_000);
    let owner = 'nobody';
    const queue = open(send, { owner: () => owner });

    for (let index = 0; index < 40; index += 1) {
      queue.add('ann', { ...record(`i${index}`, index), text: long });
    }
    owner = 'ann';
    await queue.retry();
    await vi.waitFor(() => expect(queue.list()).toEqual([]));

    for (const [records] of send.mock.calls) {
      expect(Buffer.byteLength(JSON.stringify(records))).toBeLessThan(256 * 1024);
    }
    expect(itemsOf(send).flat()).toHaveLength(40);
  });

  it('never sends one person’s words with another one’s token', async () => {
    const send = vi.fn(() => Promise.resolve());
    const queue = open(send);

    queue.add('bob', record('of-bob'));
    queue.add('ann', record('of-ann'));
    await vi.waitFor(() => expect(queue.list()).toHaveLength(1));

    expect(itemsOf(send).flat()).toEqual(['of-ann']);
    expect(queue.list()[0]?.owner).toBe('bob');
  });

  it('sends what is added while another batch is under way', async () => {
    const finish: (() => void)[] = [];
    const send = vi.fn(() => new Promise<void>((resolve) => finish.push(resolve)));
    const queue = open(send);

    queue.add('ann', record('i1'));
    await vi.waitFor(() => expect(finish).toHaveLength(1));
    queue.add('ann', record('i2', 1));
    finish[0]?.();
    await vi.waitFor(() => expect(finish).toHaveLength(2));
    finish[1]?.();
    await vi.waitFor(() => expect(queue.list()).toEqual([]));

    expect(itemsOf(send)).toEqual([['i1'], ['i2']]);
  });
});

describe('survival', () => {
  it('sends after a reload what could not be sent before', async () => {
    const before = open(offline);

    before.add('ann', record('i1'));
    await vi.waitFor(async () =>
      expect(await openOutbox(`test-${database}`).all()).toHaveLength(1),
    );
    before.close();

    const send = vi.fn(() => Promise.resolve());
    const after = open(send);

    await vi.waitFor(() => expect(itemsOf(send)).toEqual([['i1']]));
    await vi.waitFor(() => expect(after.list()).toEqual([]));
  });

  it('works in memory where the browser gives no database', async () => {
    const send = vi.fn(() => Promise.resolve());
    const queue = open(send, {
      outbox: {
        all: () => Promise.reject(new Error('no database')),
        put: () => Promise.reject(new Error('no database')),
        remove: () => Promise.reject(new Error('no database')),
        close: () => {},
      },
    });

    queue.add('ann', record('i1'));
    await vi.waitFor(() => expect(itemsOf(send)).toEqual([['i1']]));
    await vi.waitFor(() => expect(queue.list()).toEqual([]));
  });

  it('adds a record once although it is added twice', async () => {
    let owner = 'nobody';
    const send = vi.fn(() => Promise.resolve());
    const queue = open(send, { owner: () => owner });

    queue.add('ann', record('i1'));
    queue.add('ann', record('i1'));
    owner = 'ann';
    await queue.retry();
    await vi.waitFor(() => expect(queue.list()).toEqual([]));

    expect(itemsOf(send).flat()).toEqual(['i1']);
  });

  it('sends the last words of a page that goes away, and keeps them', async () => {
    const send = vi.fn((_: TranscriptRecord[], how: { keepalive?: boolean }) =>
      how.keepalive ? Promise.resolve() : offline(),
    );
    const queue = open(send);

    queue.add('ann', record('i1'));
    queue.add('bob', record('of-bob'));
    await queue.leave('ann');

    const [last] = send.mock.calls.filter(([, how]) => how.keepalive);
    expect(last?.[0].map((sent) => sent.item_id)).toEqual(['i1']);
    expect(queue.list()).toHaveLength(2);
  });
});

describe('trouble', () => {
  it('waits longer after each failure, and starts short again when it is over', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const send = vi.fn<QueueOptions['send']>(offline);
    const queue = open(send);
    const settled = () => vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));

    queue.add('ann', record('i1'));
    await settled();

    for (const [pause, calls] of [
      [1_000, 2],
      [2_000, 3],
      [4_000, 4],
    ] as const) {
      vi.advanceTimersByTime(pause - 1);
      expect(send).toHaveBeenCalledTimes(calls - 1);
      vi.advanceTimersByTime(1);
      await vi.waitFor(() => expect(send).toHaveBeenCalledTimes(calls));
      await settled();
    }

    await queue.retry();
    expect(send).toHaveBeenCalledTimes(5);
    await settled();
    vi.advanceTimersByTime(1_000);
    await vi.waitFor(() => expect(send).toHaveBeenCalledTimes(6));
  });

  it('never waits longer than a minute', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const send = vi.fn<QueueOptions['send']>(offline);
    const queue = open(send);

    queue.add('ann', record('i1'));

    for (let attempt = 1; attempt < 12; attempt += 1) {
      await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
      expect(send).toHaveBeenCalledTimes(attempt);
      vi.advanceTimersByTime(60_000);
    }
  });

  it('waits as long as the gateway asks', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const send = vi.fn<QueueOptions['send']>(refusing(503, 30));
    const queue = open(send);

    queue.add('ann', record('i1'));
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
    vi.advanceTimersByTime(29_000);
    expect(send).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1_000);
    await vi.waitFor(() => expect(send).toHaveBeenCalledTimes(2));
  });

  it.each([401, 403, 404, 429, 500, 502, 503])(
    'keeps what was answered with %i',
    async (status) => {
      const states: unknown[] = [];
      const queue = open(refusing(status), { onChange: (state) => states.push(state) });

      queue.add('ann', record('i1'));
      await vi.waitFor(() =>
        expect(states.at(-1)).toMatchObject({ waiting: 1, problem: { status } }),
      );

      expect(queue.list()).toHaveLength(1);
    },
  );

  it.each([400, 413, 415, 422])(
    'gives up a record that is refused with %i, and says so',
    async (status) => {
      const onRejected = vi.fn();
      const queue = open(refusing(status), { onRejected });

      queue.add('ann', record('i1'));
      await vi.waitFor(() => expect(queue.list()).toEqual([]));

      expect(onRejected).toHaveBeenCalledOnce();
      expect(onRejected.mock.calls[0]?.[0].item_id).toBe('i1');
    },
  );

  it('saves the others where one of a batch is refused', async () => {
    const saved: string[] = [];
    const onRejected = vi.fn();
    let owner = 'nobody';
    const queue = open(
      (records) => {
        if (records.some((sent) => sent.item_id === 'bad')) {
          return refusing(422)();
        }
        saved.push(...records.map((sent) => sent.item_id));
        return Promise.resolve();
      },
      { onRejected, owner: () => owner },
    );

    queue.add('ann', record('i1', 1));
    queue.add('ann', record('bad', 2));
    queue.add('ann', record('i3', 3));
    owner = 'ann';
    await queue.retry();
    await vi.waitFor(() => expect(queue.list()).toEqual([]));

    expect(saved).toEqual(['i1', 'i3']);
    expect(onRejected).toHaveBeenCalledOnce();
  });

  it('returns at once from add(), whatever sending does', () => {
    const queue = open(() => new Promise(() => {}));
    const before = performance.now();

    queue.add('ann', record('i1'));
    expect(performance.now() - before).toBeLessThan(50);
    expect(queue.list()).toHaveLength(1);
  });
});
