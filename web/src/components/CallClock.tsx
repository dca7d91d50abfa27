/* How long the call lasts, and, in its last minutes, how long it still may. */

import { useEffect, useState } from 'react';
import { useVoiceText } from '../i18n';

const WARN_BEFORE = 120_000;

function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const rest = String(seconds % 60).padStart(2, '0');

  return `${Math.floor(seconds / 60)}:${rest}`;
}

export interface CallClockProps {
  openedAt: number;
  endsAt: number | null;
}

export function CallClock({ openedAt, endsAt }: CallClockProps) {
  const { t } = useVoiceText();
  const [now, setNow] = useState(openedAt);

  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);

  const left = endsAt === null ? null : endsAt - now;

  return (
    <p className="rv-clock" role="timer">
      {t('time.elapsed', { time: clock(now - openedAt) })}
      {left !== null && (
        <span className={left < WARN_BEFORE ? 'rv-warn' : undefined}>
          {' · '}
          {t('time.remaining', { time: clock(left) })}
        </span>
      )}
    </p>
  );
}
