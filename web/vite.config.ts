import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The built files are committed, so their names say what they are and not what is in them.
export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: {
    outDir: "../crates/ui/dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    rollupOptions: {
      output: {
        entryFileNames: "assets/app.js",
        // `src/reviews/page.tsx` → `reviews.js`: a page more changes no other name
        chunkFileNames: (chunk) => {
          const folder = /\/src\/(\w+)\/page\.tsx$/.exec(chunk.facadeModuleId ?? "")?.[1];
          return `assets/${folder ?? "[name]"}.js`;
        },
        assetFileNames: "assets/app[extname]",
      },
    },
  },
  server: {
    proxy: { "/api": "http://127.0.0.1:8484", "/connect": "http://127.0.0.1:8484" },
  },
});
