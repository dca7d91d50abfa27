/* The four drawings the controls need; each takes the colour of its text. */

import type { ReactNode } from 'react';

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      className="rv-icon"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

const microphone = (
  <>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
  </>
);

export function MicrophoneIcon() {
  return <Icon>{microphone}</Icon>;
}

export function MutedIcon() {
  return (
    <Icon>
      {microphone}
      <path d="M4 4l16 16" />
    </Icon>
  );
}

export function StopIcon() {
  return (
    <Icon>
      <rect x="7" y="7" width="10" height="10" rx="2" fill="currentColor" />
    </Icon>
  );
}

export function HandIcon() {
  return (
    <Icon>
      <path d="M8 13V6a1.5 1.5 0 0 1 3 0v5-7a1.5 1.5 0 0 1 3 0v7-5.5a1.5 1.5 0 0 1 3 0V15" />
      <path d="M17 15c0 3.5-2.2 6-5.5 6-2.7 0-4-1.2-5.3-3.4l-2-3.6c-.8-1.5 1.1-2.7 2.1-1.4L8 15" />
    </Icon>
  );
}
