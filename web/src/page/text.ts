/* The page's own words, beside the library's, and the language they are in. */

import { useTranslation } from 'react-i18next';
import { voiceI18n } from '../i18n';
import en from './en.json';
import fr from './fr.json';
import { stored } from './stored';

export const LANGUAGES = { en: 'English', fr: 'Français' };

const chosen = stored<string | null>('realtime.language', null);

voiceI18n.addResourceBundle('en', 'page', en);
voiceI18n.addResourceBundle('fr', 'page', fr);

function apply(language: string) {
  document.documentElement.lang = language.split('-')[0] ?? 'en';
  document.title = voiceI18n.t('title', { ns: 'page' });
}

voiceI18n.on('languageChanged', apply);
voiceI18n.changeLanguage(chosen.read() ?? navigator.language);

export function setLanguage(language: string) {
  chosen.write(language);
  voiceI18n.changeLanguage(language);
}

export function usePageText() {
  return useTranslation('page', { i18n: voiceI18n });
}
