// One build, into the server's package: the wheel carries the client and no installation of Palmcourt needs Node.
// ES2019 because the browsers inside messaging apps lag years behind; the room is a chunk of its own so that the entry
// page is small enough for a link of 50 kB/s.
import { defineConfig } from "vite";

export default defineConfig({
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../hearing_server/static",
    emptyOutDir: true,
    target: "es2019",
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: true,
    sourcemap: false,
    reportCompressedSize: true,
    rolldownOptions: {
      onwarn(warning, warn) {
        // The Ed25519 library counts with big integers; it is fetched only by browsers that have them but no Ed25519.
        if (warning.code !== "TOLERATED_TRANSFORM") warn(warning);
      },
    },
  },
  server: { port: 5173, proxy: { "/api": { target: "http://127.0.0.1:8123", ws: true } } },
});
