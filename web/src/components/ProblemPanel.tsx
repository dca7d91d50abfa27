/* What went wrong, in the words of who said it, and what to do about it. */

import { Button } from 'react-aria-components';
import type { Problem } from '../client/problem';
import { useVoiceText } from '../i18n';

export interface ProblemPanelProps {
  problem: Problem;
  onRetry?: () => void;
  onDismiss?: () => void;
}

export function ProblemPanel({ problem, onRetry, onDismiss }: ProblemPanelProps) {
  const { t } = useVoiceText();

  return (
    <div className="rv-problem" role="alert" data-kind={problem.kind}>
      <p className="rv-problem-title">{t(`problem.${problem.kind}.title`)}</p>
      <p className="rv-problem-message">{problem.message}</p>
      <p>{t(`problem.${problem.kind}.advice`)}</p>
      <div className="rv-row">
        {onRetry && (
          <Button className="rv-button" onPress={onRetry}>
            {t('control.retry')}
          </Button>
        )}
        {onDismiss && (
          <Button className="rv-button rv-quiet" onPress={onDismiss}>
            {t('control.dismiss')}
          </Button>
        )}
      </div>
    </div>
  );
}
