// One build, into the server's package: the wheel carries the client and no installation of Palmcourt needs Node.
// ES2019 because the browsers inside messaging apps lag years behind; the room is a chunk of its own so that the entry
// page is small enough for a link of 50 kB/s.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { defineConfig, type Plugin } from "vite";

/** Tells the service worker which files the shell of the courtroom is. The desk, the gallery, the spare signature library and the hashing of large files stay out. */
function shellList(): Plugin {
  let folder = "";
  return {
    name: "shell-list",
    apply: "build",
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    writeBundle(_options, bundle) {
      const names = Object.keys(bundle).filter((name) => /\.(js|css)$/.test(name) && !/registry|gallery|ed25519|digest/.test(name)).sort();
      const hash = createHash("sha256").update(names.join("\n")).digest("hex").slice(0, 12);
      const path = join(folder, "sw.js");
      const list = names.map((name) => `, "/${name}"`).join("");
      writeFileSync(path, readFileSync(path, "utf8").replace("__NAME__", hash).replace(" /* __FILES__ */", list));
    },
  };
}

/** Writes x.gz and x.br beside each text file: compressed once here, at the best level, instead of for every phone. */
function compressed(): Plugin {
  let folder = "";
  return {
    name: "compressed",
    apply: "build",
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        if (!/\.(js|css|html|svg|webmanifest)$/.test(name)) continue;
        const bytes = readFileSync(join(folder, name));
        if (bytes.length < 1_000) continue;
        writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes, { level: 9 }));
        writeFileSync(join(folder, `${name}.br`), brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
      }
    },
  };
}

export default defineConfig({
  base: "/",
  plugins: [shellList(), compressed()],
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
