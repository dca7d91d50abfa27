/*
 * The token: from the address (`#token=...`, as a login page or scripts/run
 * hands it over), kept where the original front end kept it.
 *
 * A fragment is never sent to a server; it is removed from the address bar
 * and from the history entry before the page is drawn.
 */

const NAME = 'token';

export function takeTokenFromAddress(): void {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get(NAME);

  if (token === null) {
    return;
  }

  fragment.delete(NAME);

  const rest = fragment.toString();
  const address = location.pathname + location.search + (rest ? `#${rest}` : '');

  history.replaceState(history.state, '', address);

  if (token !== '') {
    localStorage.setItem(NAME, token);
  }
}

export function keepToken(token: string): void {
  // People copy "Bearer ..." out of a terminal.
  localStorage.setItem(NAME, token.trim().replace(/^Bearer\s+/i, ''));
}

export function forgetToken(): void {
  localStorage.removeItem(NAME);
}
