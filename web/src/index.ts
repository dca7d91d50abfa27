/* What another application imports. */

export {
  Gateway,
  type Me,
  type StoredTranscript,
  type TokenSource,
  type TranscriptRecord,
} from './client/gateway';
export { Problem, type ProblemKind } from './client/problem';
export { ProblemPanel } from './components/ProblemPanel';
export {
  RealtimeVoiceAgent,
  type RealtimeVoiceAgentProps,
} from './components/RealtimeVoiceAgent';
export { TranscriptView } from './components/TranscriptView';
export { VoiceControls } from './components/VoiceControls';
export type { Activity } from './conversation/activity';
export type { Turn } from './conversation/conversation';
export { voiceI18n } from './i18n';
export { parseEvent, type Role, readEvent, type VoiceEvent } from './protocol/events';
export { type SessionSettings, sessionUpdate } from './protocol/session';
export { openOutbox } from './transcripts/outbox';
export { type QueueState, TranscriptQueue } from './transcripts/queue';
export {
  type RealtimeVoice,
  type RealtimeVoiceOptions,
  useRealtimeVoice,
  type VoiceState,
} from './useRealtimeVoice';
