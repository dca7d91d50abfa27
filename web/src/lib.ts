/* The library's bundle: what index.ts exports, and its style sheet beside it. */

import './style.css';

export * from './index';
