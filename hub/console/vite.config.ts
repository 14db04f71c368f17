// Builds the console and the household app into dist/, which the hub serves at / and /app under a strict content security policy.
import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    // The policy allows no data: addresses, so every asset stays a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { console: "index.html", app: "app/index.html" } },
  },
});
