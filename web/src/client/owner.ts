/*
 * Whose token this is, without asking the gateway: only to keep one person's
 * waiting transcripts apart from another's in the same browser. Nothing is
 * trusted because of it; the gateway verifies the token.
 */
export function ownerOf(token: string): string {
  try {
    const payload = token.split('.')[1] ?? '';
    const binary = atob(payload.replace(/-/g, '+').replace(/_/g, '/'));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));

    return JSON.stringify([claims.iss ?? '', claims.sub ?? claims.email ?? '']);
  } catch {
    return '';
  }
}
