/*
 * The conversation as a person would retell it: turns in the order of the
 * items they belong to.
 *
 * OpenAI transcribes the user beside answering, so the user's words often
 * arrive after the answer they caused. Each item names the one before it
 * (`previous_item_id`); that chain decides, never the order of arrival. Items
 * that are not spoken stay in the chain, without a turn on the screen.
 */

import type { Role, VoiceEvent } from '../protocol/events';

export interface Part {
  text: string;
  final: boolean;
}

export interface Item {
  id: string;
  /** undefined until an event says whose it is, or for what is not spoken. */
  role: Role | undefined;
  parts: Part[];
  /** null: the first; undefined: nobody has said yet. */
  previousId: string | null | undefined;
  /** When it was first heard of, in ms since 1970. */
  at: number;
  /** The call it was said in. */
  call: number;
  /** The user's words could not be transcribed. */
  failed: boolean;
  /** The user spoke before the answer was finished. */
  interrupted: boolean;
}

export interface Conversation {
  items: Record<string, Item>;
  /** Ids in order of arrival. */
  arrived: string[];
  /** Ids in the order they are told. */
  order: string[];
  /** Counts the calls, so that a new one follows the last. */
  call: number;
}

export interface Turn {
  id: string;
  role: Role;
  text: string;
  /** Still being said, or still being transcribed. */
  partial: boolean;
  failed: boolean;
  interrupted: boolean;
  at: number;
}

export const emptyConversation: Conversation = {
  items: {},
  arrived: [],
  order: [],
  call: 0,
};

/**
 * Depth first over the chain. What follows nobody known starts anew, in order
 * of arrival; of two items after the same one the later was inserted between.
 */
function tell(items: Record<string, Item>, arrived: string[]): string[] {
  const followers = new Map<string, string[]>();
  const starts: string[] = [];

  for (const id of arrived) {
    const previous = items[id]?.previousId;

    if (previous && previous !== id && items[previous] !== undefined) {
      const list = followers.get(previous);
      list ? list.push(id) : followers.set(previous, [id]);
    } else {
      starts.push(id);
    }
  }

  const order: string[] = [];
  const stack = starts.reverse();

  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    order.push(id);
    stack.push(...(followers.get(id) ?? []));
  }

  // A circle hangs on no start; a broken far end must not make words vanish.
  return order.length === arrived.length
    ? order
    : [...order, ...arrived.filter((id) => !order.includes(id))];
}

function put(
  state: Conversation,
  id: string,
  now: number,
  change: (item: Item) => Partial<Item>,
): Conversation {
  const known = state.items[id];
  const item: Item = known ?? {
    id,
    role: undefined,
    parts: [],
    previousId: undefined,
    at: now,
    call: state.call,
    failed: false,
    interrupted: false,
  };
  const next = { ...item, ...change(item) };
  const items = { ...state.items, [id]: next };

  if (known !== undefined && known.previousId === next.previousId) {
    return { ...state, items };
  }

  const arrived = known ? state.arrived : [...state.arrived, id];
  return { ...state, items, arrived, order: tell(items, arrived) };
}

function link(
  state: Conversation,
  id: string,
  previousId: string | null | undefined,
  role: Role | undefined,
  now: number,
): Conversation {
  return put(state, id, now, (item) => ({
    role: item.role ?? role,
    // null says "first", and also "unknown": it never undoes what is known.
    previousId: previousId ?? item.previousId ?? previousId,
  }));
}

function setPart(item: Item, index: number, part: (old: Part) => Part): Part[] {
  const parts = [...item.parts];

  while (parts.length <= index) {
    parts.push({ text: '', final: false });
  }

  parts[index] = part(parts[index] as Part);
  return parts;
}

/** The item a text without an id belongs to: the youngest open one of its side. */
function openItem(state: Conversation, role: Role): string {
  const id = state.arrived.findLast((candidate) => {
    const item = state.items[candidate];
    return (
      item?.role === role &&
      item.call === state.call &&
      !item.parts.some((part) => part.final)
    );
  });

  return id ?? `local_${state.call}_${state.arrived.length}_${Date.now().toString(36)}`;
}

function finishAnswers(state: Conversation, interrupted: boolean): Conversation {
  let next = state;

  for (const id of state.arrived) {
    const item = state.items[id];

    if (item?.role === 'assistant' && item.parts.some((part) => !part.final)) {
      next = put(next, id, item.at, () => ({
        parts: item.parts.map((part) => ({ ...part, final: true })),
        interrupted: item.interrupted || interrupted,
      }));
    }
  }

  return next;
}

/** What an event changes; the same object where it changes nothing. */
export function converse(
  state: Conversation,
  event: VoiceEvent,
  now: number,
): Conversation {
  switch (event.type) {
    case 'item': {
      const { text } = event;
      const next = link(state, event.itemId, event.previousItemId, event.role, now);

      return text === undefined
        ? next
        : put(next, event.itemId, now, () => ({ parts: [{ text, final: true }] }));
    }

    case 'committed':
      return link(state, event.itemId, event.previousItemId, 'user', now);

    case 'speech-started':
      return link(state, event.itemId ?? openItem(state, 'user'), undefined, 'user', now);

    case 'user-delta':
    case 'assistant-delta': {
      const role = event.type === 'user-delta' ? 'user' : 'assistant';

      return put(state, event.itemId ?? openItem(state, role), now, (item) => ({
        role,
        parts: setPart(item, event.part, (part) =>
          part.final ? part : { text: part.text + event.text, final: false },
        ),
      }));
    }

    case 'user-text':
    case 'assistant-text': {
      const role = event.type === 'user-text' ? 'user' : 'assistant';

      return put(state, event.itemId ?? openItem(state, role), now, (item) => ({
        role,
        parts: setPart(item, event.part, (part) => ({
          text: event.text || part.text,
          final: true,
        })),
      }));
    }

    case 'user-failed':
      return put(state, event.itemId, now, (item) => ({
        role: 'user',
        failed: true,
        parts: item.parts.map((part) => ({ ...part, final: true })),
      }));

    case 'response-done': {
      const cancelled = event.status === 'cancelled';
      let next = finishAnswers(state, cancelled);

      for (const id of cancelled ? event.itemIds : []) {
        if (next.items[id] !== undefined) {
          next = put(next, id, now, () => ({ interrupted: true }));
        }
      }

      return next;
    }

    case 'truncated':
      return state.items[event.itemId] === undefined
        ? state
        : put(state, event.itemId, now, () => ({ interrupted: true }));

    default:
      return state;
  }
}

/** A new call begins: its turns follow those of the last one. */
export function beginCall(state: Conversation): Conversation {
  return { ...state, call: state.call + 1 };
}

/** The call is over: what was half said stays as it was heard. */
export function endCall(state: Conversation): Conversation {
  const items = Object.values(state.items).map((item): [string, Item] => {
    const open = item.parts.some((part) => !part.final);

    return [
      item.id,
      open
        ? {
            ...item,
            parts: item.parts.map((part) => ({ ...part, final: true })),
            interrupted: item.role === 'assistant' || item.interrupted,
          }
        : item,
    ];
  });

  return { ...state, items: Object.fromEntries(items) };
}

function textOf(item: Item): string {
  return item.parts
    .map((part) => part.text.trim())
    .filter((text) => text !== '')
    .join('\n');
}

/** What there is to read, in order. `live`: the call is still open. */
export function turnsOf(state: Conversation, live: boolean): Turn[] {
  return state.order.flatMap((id) => {
    const item = state.items[id];

    if (item?.role === undefined) {
      return [];
    }

    const text = textOf(item);
    const waiting = live && item.call === state.call && !item.failed;
    const open = item.parts.length === 0 || item.parts.some((part) => !part.final);

    if (text === '' && !(waiting && open) && !item.failed) {
      return [];
    }

    return {
      id,
      role: item.role,
      text,
      partial: waiting && open,
      failed: item.failed,
      interrupted: item.interrupted,
      at: item.at,
    };
  });
}
