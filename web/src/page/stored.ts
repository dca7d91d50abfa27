/* Small things the page remembers; a browser that forbids it just forgets. */

export interface Stored<T> {
  read(): T;
  write(value: T): void;
}

export function stored<T>(key: string, initial: T): Stored<T> {
  return {
    read() {
      try {
        const text = localStorage.getItem(key);
        return text === null ? initial : JSON.parse(text);
      } catch {
        return initial;
      }
    },

    write(value) {
      try {
        localStorage.setItem(key, JSON.stringify(value));
      } catch {
        // Full or forbidden: it lives as long as the page.
      }
    },
  };
}
