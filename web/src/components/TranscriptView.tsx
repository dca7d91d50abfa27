/* Both sides of the conversation, oldest first. */

import { useLayoutEffect, useRef } from 'react';
import type { Turn } from '../conversation/conversation';
import { useVoiceText } from '../i18n';

export type ShownTurn = Pick<Turn, 'id' | 'role' | 'text'> & Partial<Turn>;

/** Further up than this, the reader is reading: new words do not pull down. */
const AT_END = 80;

export function TranscriptView({ turns }: { turns: ShownTurn[] }) {
  const { t } = useVoiceText();
  const list = useRef<HTMLOListElement>(null);
  const following = useRef(true);

  // biome-ignore lint/correctness/useExhaustiveDependencies: new words are what moves the end
  useLayoutEffect(() => {
    const element = list.current;

    if (element && following.current) {
      element.scrollTop = element.scrollHeight;
    }
  }, [turns]);

  function scrolled() {
    const element = list.current;

    if (element) {
      const below = element.scrollHeight - element.scrollTop - element.clientHeight;
      following.current = below < AT_END;
    }
  }

  return (
    <ol
      className="rv-transcript"
      ref={list}
      onScroll={scrolled}
      role="log"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must be reachable by keyboard
      tabIndex={0}
    >
      {turns.map((turn) => (
        <li
          key={turn.id}
          className="rv-turn"
          data-role={turn.role}
          data-item-id={turn.id}
          aria-busy={turn.partial || undefined}
        >
          <span className="rv-who">{t(`turn.${turn.role}`)}</span>
          <p className="rv-text">
            {turn.failed ? t('turn.untranscribed') : turn.text || t('turn.pending')}
            {turn.interrupted && (
              <span className="rv-mark"> ({t('turn.interrupted')})</span>
            )}
          </p>
        </li>
      ))}
    </ol>
  );
}
