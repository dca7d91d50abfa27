/*
 * The library's own i18next instance: it neither needs nor disturbs the
 * host's. A host changes the language with `voiceI18n.changeLanguage('fr')`
 * and adds another one with `voiceI18n.addResourceBundle(...)`.
 */

import { createInstance, type i18n } from 'i18next';
import { useTranslation } from 'react-i18next';
import en from './en.json';
import fr from './fr.json';

export const voiceI18n: i18n = createInstance();

function preferredLanguage(): string {
  return document.documentElement.lang || navigator.language || 'en';
}

voiceI18n.init({
  lng: preferredLanguage(),
  fallbackLng: 'en',
  nonExplicitSupportedLngs: true,
  supportedLngs: ['en', 'fr'],
  defaultNS: 'voice',
  resources: { en: { voice: en }, fr: { voice: fr } },
  interpolation: { escapeValue: false },
});

export function useVoiceText() {
  return useTranslation('voice', { i18n: voiceI18n });
}
