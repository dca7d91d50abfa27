import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/*
 * Two products from one source: the page (dist/, what nginx serves) and, with
 * `--mode lib`, the library another application imports (lib/).
 */
export default defineConfig(({ mode }) => ({
  plugins: [react()],
  base: './',
  build:
    mode === 'lib'
      ? {
          outDir: 'lib',
          sourcemap: true,
          copyPublicDir: false,
          lib: {
            entry: 'src/lib.ts',
            formats: ['es'],
            fileName: 'index',
            cssFileName: 'style',
          },
          rollupOptions: { external: (id) => /^[a-z@]/.test(id) },
        }
      : { outDir: 'dist', chunkSizeWarningLimit: 700 },
  server: {
    proxy: { '/realtime': process.env.GATEWAY_URL ?? 'http://127.0.0.1:8080' },
  },
  test: {
    environment: 'happy-dom',
    include: ['test/**/*.test.{ts,tsx}'],
    restoreMocks: true,
  },
}));
