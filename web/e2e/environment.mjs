/* What scripts/e2e tells the tests, and the HTTP they ask themselves. */

export function required(name) {
  const value = process.env[name];

  if (!value) {
    throw new Error(`${name} is not set: run scripts/e2e`);
  }

  return value;
}

/** Asks the gateway as the user of TOKEN. */
function gateway(path) {
  return fetch(required('GATEWAY_URL') + path, {
    headers: { Authorization: `Bearer ${required('TOKEN')}` },
  });
}

/** What the store holds of a session, in order. */
export async function storedTurns(session) {
  const query = new URLSearchParams({ session_id: session, limit: '200' });
  const response = await gateway(`/realtime/transcripts?${query}`);

  if (!response.ok) {
    throw new Error(`transcripts: ${response.status} ${await response.text()}`);
  }

  return (await response.json()).transcripts;
}

async function sandbox(path) {
  return (await fetch(`${required('SANDBOX_URL')}/_sandbox/${path}`)).json();
}

/** The calls as the far end saw them. */
export async function upstreamCalls() {
  return (await sandbox('calls')).calls;
}

/**
 * Waits until the far end has no such call any more, and, where the gateway
 * can end calls, was told so: a peer that just falls silent is not enough.
 */
export async function hungUp(id) {
  await eventually('the call ended', async () =>
    (await upstreamCalls()).some((call) => call.id === id && call.ended_by),
  );

  if ((await gateway('/realtime/calls')).ok) {
    await eventually('the hang-up', async () =>
      (await sandbox('requests')).requests.some((request) =>
        request.path.endsWith(`/${id}/hangup`),
      ),
    );
  }
}

/** Makes the far end misbehave once. */
export async function upstreamFault(fault) {
  const response = await fetch(`${required('SANDBOX_URL')}/_sandbox/faults`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(fault),
  });

  if (!response.ok) {
    throw new Error(`fault refused: ${await response.text()}`);
  }
}

/** Asks again and again until `check` gives something true; fails after a while. */
export async function eventually(what, check, milliseconds = 15_000) {
  const until = Date.now() + milliseconds;

  for (;;) {
    const value = await check();

    if (value) {
      return value;
    }

    if (Date.now() > until) {
      throw new Error(`${what}: not within ${milliseconds / 1_000} s`);
    }

    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
