/** How Vite makes the dashboard, built and in development. */
import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import type { InlineConfig } from 'vite';

export const viteConfig = {
  configFile: false,
  root: fileURLToPath(new URL('.', import.meta.url)),
  publicDir: false,
  plugins: [tailwindcss()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2023',
    // What the service serves for good, by names that change with the content.
    assetsDir: 'dashboard/assets',
    // As files: a policy without data: has no use for what is written into the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
} satisfies InlineConfig;
